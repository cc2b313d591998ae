"""The scripts that write the store, each in one step of the server."""

from typing import Final

WRITE: Final = """
local found = redis.pcall('HGET', KEYS[1], 'sequence')
if type(found) == 'table' then redis.call('DEL', KEYS[1]) found = false end
local stored = tonumber(found or '-1')
if not stored or not (stored < 9007199254740992) then stored = -1 end
if tonumber(ARGV[1]) <= stored then return 0 end
local until_ms = math.max(tonumber(ARGV[3]), redis.call('PEXPIRETIME', KEYS[1]))
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'decision', 'stored_at_ms')
  redis.call('HSET', KEYS[1], 'sequence', ARGV[1])
else
  redis.call('HSET', KEYS[1], 'sequence', ARGV[1], 'decision', ARGV[2], 'stored_at_ms', now_ms)
end
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', until_ms))
return now_ms
"""
"""Refuses a sequence that is not newer and answers 0, else the server's time in ms.

What is no hash, or has no sequence that we could have written, is as if absent and is overwritten.

The key lives as long as the longest-lived decision it ever held: were it gone before, a repeat of
an older, longer-lived decision would be shown again. So a reader checks `valid_until_ms`. Void and
purged decisions come without bytes and leave the sequence only. A sequence is below 2^53.
"""

WRITE_SESSION: Final = """
local kept = redis.call('PEXPIRETIME', KEYS[1])
if kept > tonumber(ARGV[2]) and redis.call('TYPE', KEYS[1]).ok == 'string' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1
"""
"""Says whose a session is, unless a later event has said so: the expiry tells the event's time.

The visitor's and the person's decisions lie in two partitions, which are read in any order.
"""
