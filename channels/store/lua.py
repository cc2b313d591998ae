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

WRITE_OUTCOME: Final = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local gone_ms = tonumber(redis.call('HGET', KEYS[1], 'gone') or '0') or 0
if tonumber(ARGV[3]) <= gone_ms then return 0 end
local found = redis.call('HGET', KEYS[1], ARGV[1])
local revision = found and tonumber(string.match(found, '^%d+')) or -1
if tonumber(ARGV[2]) <= revision then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[4])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[6]) then
  local all, oldest, oldest_ms = redis.call('HGETALL', KEYS[1]), nil, nil
  for at = 1, #all, 2 do
    local time_ms = tonumber(string.match(all[at + 1], '^%d+:(%d+):'))
    if all[at] ~= 'gone' and (oldest == nil or (time_ms or 0) < oldest_ms) then
      oldest, oldest_ms = all[at], time_ms or 0
    end
  end
  redis.call('HDEL', KEYS[1], oldest)
end
local until_ms = math.max(tonumber(ARGV[3]) + tonumber(ARGV[5]), redis.call('PEXPIRETIME', KEYS[1]))
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', until_ms))
return 1
"""
"""Refuses a revision that is not newer, and what happened before its person withdrew (`gone`), and answers 0, else 1.

At the bound the one that happened first goes. The key lives as long as the newest of them is kept: what is older than that on arrival is not there at all.
"""

FORGET_OUTCOMES: Final = """
local is_hash = redis.call('TYPE', KEYS[1]).ok == 'hash'
local before_ms = is_hash and tonumber(redis.call('HGET', KEYS[1], 'gone') or '0') or 0
redis.call('DEL', KEYS[1])
local gone_ms = math.max(before_ms, tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'gone', string.format('%.0f', gone_ms))
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', gone_ms + tonumber(ARGV[2])))
return 1
"""
"""Empties a person's outcomes and leaves until when they are gone, so that a record that is read after that does not bring them back."""
