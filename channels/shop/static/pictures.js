// A picture of every item, drawn from what the catalogue says of it: its kind, colour, material, and a hash of its id.

import { hash } from "./dom.js";

const COLOURS = {
  black: "#33363b", white: "#f3f1ec", "storm blue": "#4a6d8c", "coral red": "#e2624f", "moss green": "#6f8354", sand: "#d3b98c",
  "night grey": "#565d68", cream: "#eadfc6", "brushed steel": "#aeb6bb", copper: "#bd7448", "sage green": "#9cae8e", "pale blue": "#a9c8dd",
  "cherry red": "#b8303a", ivory: "#efe6d2", mint: "#a5d6bf", graphite: "#4a4e55", "pastel blue": "#b4cfe2", "light grey": "#c3c7ca",
  "neon yellow": "#d9e62f", petrol: "#1d6470", plum: "#75405f", orange: "#ec8436", "reflective silver": "#c5ccd1", "deep red": "#93232f",
  "racing green": "#1f5440", mustard: "#d4a02d", "sea blue": "#2f77a6", "matt black": "#2c2f33", silver: "#bcc3c8", aqua: "#43b7bd",
  red: "#cf3b3b", charcoal: "#45474c", lavender: "#ab9cce", natural: "#d5c1a0", anthracite: "#3f444a", "forest green": "#33634a",
  terracotta: "#c56a4a", moss: "#7c8a50", rust: "#af5530", olive: "#7b7c43", "signal orange": "#ef7f2c", ochre: "#c8922f",
  "pine green": "#2e5d4d", slate: "#5f6c78", "dusty rose": "#cf9da0", "ink blue": "#2d3e63", sage: "#a3b195", brass: "#c7a04a",
  "linen white": "#eee7d9", oak: "#c99f68", walnut: "#765038", steel: "#a7b0b7", cork: "#c29764", wood: "#c99f68", seagrass: "#c7ac6b",
  "goose down": "#e9edf2", "merino wool": "#e6dccb", "bamboo fibre": "#dce6d6", "hollow fibre": "#e5e9ee", "memory foam": "#e8eef0",
  "millet husk": "#e4d6b4", "feather and down": "#eceff2", "olive wood": "#b5813f", "black resin": "#383a3f", "cast iron": "#3b3d42",
  "carbon steel": "#54585e", aluminium: "#b5bcc1", "responsible down": "#cf6b3f", "wool felt": "#8f959b", "recycled plastic": "#8fb3b0",
  cotton: "#e7dccb", glass: "#bfe0e3", gas: "#3c7aa8", spirit: "#c29a3c", neoprene: "#3f6c86", membrane: "#3a7d8c",
};
const FLOORS = ["#e9efe6", "#f3ece1", "#e6edf2", "#f4e8e4", "#ece9f2", "#eef0e2"];

const mix = (colour, other, share) => {
  const parts = [colour, other].map((one) => [1, 3, 5].map((at) => parseInt(one.slice(at, at + 2), 16)));
  return "#" + parts[0].map((value, at) => Math.round(value * (1 - share) + parts[1][at] * share).toString(16).padStart(2, "0")).join("");
};
const dark = (colour, share = 0.28) => mix(colour, "#141a22", share);
const light = (colour, share = 0.4) => mix(colour, "#ffffff", share);
const line = (d, colour, width = 3, more = "") => `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round" ${more}/>`;
const shape = (d, colour, more = "") => `<path d="${d}" fill="${colour}" ${more}/>`;
const box = (x, y, width, height, radius, colour, more = "") => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${colour}" ${more}/>`;
const disc = (x, y, radius, colour, more = "") => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}" ${more}/>`;
const ring = (x, y, radius, colour, width) => `<circle cx="${x}" cy="${y}" r="${radius}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
const shadow = (x, width, y = 126) => `<ellipse cx="${x}" cy="${y}" rx="${width}" ry="5" fill="#141a22" opacity=".12"/>`;

function shoe(c, item, at) {
  const trail = item.tags.includes("trail"), soft = item.tags.includes("cushioned"), firm = item.tags.includes("stability");
  const sole = soft ? 26 : 18, top = 118 - sole, accent = ["#f0b93f", "#ffffff", "#e8694f", "#58b3a8"][at % 4];
  const studs = trail ? [30, 48, 66, 84, 102, 120, 138, 156].map((x) => box(x, 116, 11, 8, 2, dark(c, 0.45))).join("") : "";
  return shadow(102, 82, 128) + studs
    + shape(`M24 ${top - 2} L178 ${top + 1} C186 ${top + 8} 184 119 172 120 L38 120 C24 120 20 110 24 ${top - 2}Z`, "#fbfaf6")
    + (soft ? line(`M32 ${top + 13} C60 ${top + 7} 84 ${top + 17} 112 ${top + 11} S160 ${top + 15} 176 ${top + 11}`, accent, 3) : "")
    + shape(`M26 ${top} C26 82 30 62 36 46 C40 38 54 38 58 46 C62 56 72 58 82 51 L100 38 C106 35 112 38 116 46 C124 62 142 72 164 78 C176 82 182 90 180 ${top + 3} Z`, c)
    + shape(`M26 ${top} C26 86 29 66 35 50 C48 58 50 78 44 ${top} Z`, dark(c))
    + shape(`M140 ${top + 1} C144 84 156 80 166 79 C176 82 182 90 180 ${top + 3} Z`, dark(c, 0.18))
    + (firm ? shape(`M46 ${top} L58 ${top - 14} L96 ${top - 11} L108 ${top + 1}Z`, light(c, 0.55)) : "")
    + line("M92 46 L106 58 M100 40 L116 54 M84 52 L97 63", "#fdfdfb", 3.4)
    + line(`M64 ${top - 8} C84 ${top - 12} 96 72 112 66`, accent, 6);
}

const torso = (c) => shape("M70 34 L88 28 C92 36 108 36 112 28 L130 34 L130 122 L70 122Z", c) + line("M88 29 C92 37 108 37 112 29", dark(c), 3);
function clothing(c, item) {
  const kind = item.name;
  if (kind.includes("tights")) return shape("M72 26 L128 26 L134 124 L112 124 L101 66 L88 124 L66 124Z", c) + box(72, 24, 56, 9, 3, dark(c)) + line("M78 40 L72 118", light(c, 0.6), 2);
  if (kind.includes("shorts")) return shape("M62 40 L138 40 L150 104 L108 106 L100 74 L92 106 L50 104Z", c) + box(62, 36, 76, 11, 3, dark(c)) + line("M70 52 L60 102", light(c, 0.6), 3) + line("M130 52 L140 102", light(c, 0.6), 3);
  const sleeves = kind.includes("jacket")
    ? shape("M70 34 L44 52 L38 112 L54 114 L62 70 L70 60Z M130 34 L156 52 L162 112 L146 114 L138 70 L130 60Z", dark(c, 0.16))
    : shape("M70 34 L44 50 L52 74 L70 64Z M130 34 L156 50 L148 74 L130 64Z", dark(c, 0.16));
  const front = kind.includes("jacket") ? line("M100 36 L100 120", dark(c, 0.4), 3) + line("M70 66 L130 66", "#eef2f4", 4) : line("M70 70 L130 62", light(c, 0.55), 5);
  return sleeves + torso(c) + front;
}

function bicycle(c, item) {
  const racer = item.tags.includes("racing") || item.tags.includes("gravel"), electric = item.tags.includes("electric");
  const bar = racer ? line("M136 44 C150 42 152 58 140 58", "#33363b", 4) : line("M130 40 L150 36", "#33363b", 4);
  return shadow(100, 80) + ring(52, 94, 29, "#33363b", 5) + ring(150, 94, 29, "#33363b", 5) + ring(52, 94, 24, "#c9cdd0", 1) + ring(150, 94, 24, "#c9cdd0", 1)
    + line("M52 94 L82 56 L134 54 L96 94 Z M82 56 L96 94 M76 46 L82 56 M150 94 L136 46", c, electric ? 8 : 5.500)
    + line("M66 44 L86 44", "#33363b", 6) + bar + disc(96, 94, 8, "#33363b") + (electric ? box(100, 66, 26, 9, 4, dark(c), 'transform="rotate(-48 110 70)"') : "")
    + disc(52, 94, 3, "#33363b") + disc(150, 94, 3, "#33363b");
}

function helmet(c, item) {
  return shadow(100, 60) + shape("M40 96 C36 52 70 34 104 36 C142 38 164 62 162 92 C130 100 80 104 40 96Z", c)
    + (item.tags.includes("racing") ? shape("M60 70 C80 48 112 44 140 56 L132 62 C110 54 86 58 68 76Z M70 86 C88 70 116 64 148 74 L144 80 C118 74 96 78 80 90Z", dark(c, 0.5)) : line("M58 68 C84 50 118 50 146 66", light(c, 0.5), 5))
    + line("M62 98 C70 122 84 126 92 124 M128 98 C118 118 104 126 92 124", "#33363b", 4);
}

function cycleGear(c, item) {
  if (item.name.includes("light")) return shadow(100, 50) + box(52, 56, 40, 52, 12, dark(c)) + disc(72, 78, 15, "#fff3c4") + disc(72, 78, 8, "#ffd75e") + box(112, 62, 36, 46, 12, "#7d2028") + disc(130, 82, 13, "#ef5a4c") + line("M58 44 L52 34 M72 42 L72 28 M86 44 L92 34", "#f0c24a", 4);
  if (item.name.includes("D-lock")) return shadow(100, 44) + line("M72 84 L72 56 C72 22 128 22 128 56 L128 84", dark(c, 0.1), 12) + box(54, 82, 92, 28, 9, dark(c, 0.3)) + disc(100, 96, 6, "#e9edf0");
  return shadow(100, 50) + [0, 1, 2, 3].map((at) => box(46 + at * 28, 46 + (at % 2) * 30, 36, 14, 6, at % 2 ? c : dark(c), `transform="rotate(${at % 2 ? 40 : -40} ${64 + at * 28} ${53 + (at % 2) * 30})"`)).join("") + box(84, 88, 34, 26, 6, dark(c, 0.4));
}

function weights(c, item) {
  if (item.name.includes("kettlebell")) return shadow(100, 44) + line("M80 66 C70 26 130 26 120 66", dark(c, 0.2), 12) + disc(100, 90, 36, c) + disc(100, 90, 15, light(c, 0.3));
  const bell = (y, tint) => box(40, y, 22, 40, 6, tint) + box(138, y, 22, 40, 6, tint) + box(60, y + 16, 80, 9, 4, "#a7b0b7") + box(32, y + 8, 10, 24, 4, dark(tint)) + box(158, y + 8, 10, 24, 4, dark(tint));
  return shadow(100, 66) + (item.name.includes("pair") ? bell(36, dark(c, 0.15)) + bell(84, c) : bell(62, c));
}

function runningGear(c, item) {
  const name = item.name;
  if (name.includes("insole")) return shape("M58 120 C48 96 62 82 60 62 C58 36 72 26 82 32 C96 40 92 72 88 90 C86 106 78 126 58 120Z", c) + shape("M142 120 C152 96 138 82 140 62 C142 36 128 26 118 32 C104 40 108 72 112 90 C114 106 122 126 142 120Z", dark(c, 0.12)) + shape("M62 96 C72 88 80 76 80 60 C90 78 84 104 70 112Z", "#e07a4f") + shape("M138 96 C128 88 120 76 120 60 C110 78 116 104 130 112Z", "#e07a4f");
  if (name.includes("belt")) return line("M30 70 C60 98 140 98 170 70", c, 13) + box(62, 70, 26, 46, 8, "#68b0c9") + box(112, 70, 26, 46, 8, "#68b0c9") + box(68, 60, 14, 13, 3, "#33363b") + box(118, 60, 14, 13, 3, "#33363b");
  if (name.includes("cap")) return shadow(96, 60) + shape("M44 96 C44 56 70 40 98 40 C128 40 146 62 146 96Z", c) + shape("M136 88 C164 90 180 98 178 106 C150 104 120 102 100 96Z", dark(c)) + line("M98 40 L98 94", light(c, 0.4), 2);
  return shape("M100 62 L196 24 L196 132 Z", "#ffe9a6", 'opacity=".75"') + line("M30 56 C40 44 70 44 84 56", c, 10) + line("M30 76 C40 92 70 94 84 84", dark(c), 8) + box(78, 52, 32, 38, 9, dark(c, 0.4)) + disc(98, 71, 11, "#fff3c4");
}

function swimming(c, item) {
  const water = line("M14 118 C34 108 48 128 68 118 S102 108 120 118 S160 128 188 116", "#7fbfd4", 4);
  if (item.name.includes("goggles")) return water + line("M22 60 C34 50 42 52 52 62 M178 60 C166 50 158 52 148 62", dark(c, 0.4), 6) + shape("M48 58 C66 46 90 52 94 66 C94 84 76 94 62 88 C50 84 44 70 48 58Z M152 58 C134 46 110 52 106 66 C106 84 124 94 138 88 C150 84 156 70 152 58Z", c) + line("M94 66 C98 62 102 62 106 66", dark(c, 0.4), 5) + line("M58 64 C66 58 74 58 80 62 M116 62 C124 58 132 58 140 64", light(c, 0.7), 4);
  if (item.name.includes("fins")) return water + shape("M70 28 L94 28 L98 62 L112 112 C92 122 62 120 46 110 L66 62Z", c) + shape("M118 34 L140 34 L142 64 L160 106 C144 116 124 116 108 108 L118 64Z", dark(c, 0.15)) + line("M78 66 L70 108 M88 66 L92 110", light(c, 0.4), 3);
  return water + shape("M64 96 C52 60 72 30 100 30 C128 30 148 60 136 96 C118 108 82 108 64 96Z", "#f0853a") + line("M62 78 C84 90 116 90 138 78", c, 9) + line("M100 104 C96 124 110 130 104 146", "#33363b", 3);
}

function yoga(c, item) {
  const name = item.name;
  if (name.includes("mat")) return shadow(104, 74) + shape("M36 112 L60 60 L184 60 L172 112Z", c) + shape("M36 112 L60 60 L72 60 L50 112Z", dark(c, 0.14)) + disc(46, 96, 22, dark(c, 0.2)) + ring(46, 96, 15, light(c, 0.35), 3) + ring(46, 96, 8, light(c, 0.35), 3);
  if (name.includes("block")) return shadow(100, 60) + shape("M48 66 L124 56 L156 70 L80 82Z", light(c, 0.3)) + shape("M48 66 L80 82 L80 120 L48 102Z", dark(c, 0.2)) + shape("M80 82 L156 70 L156 106 L80 120Z", c);
  if (name.includes("bolster")) return shadow(100, 70) + box(34, 60, 132, 54, 27, c) + `<ellipse cx="150" cy="87" rx="14" ry="25" fill="${dark(c, 0.22)}"/>` + line("M56 66 C62 80 62 96 56 108", light(c, 0.5), 3);
  return line("M40 100 C30 40 110 20 120 64 C126 96 70 98 84 64 C98 34 164 44 160 104", c, 11) + box(150, 98, 22, 18, 4, "#a7b0b7") + box(156, 103, 10, 8, 2, "#f1ece1");
}

function kettle(c, item) {
  const glass = item.name.includes("glass"), body = glass ? "#cfe6ea" : c, trim = glass ? "#33363b" : dark(c, 0.35);
  if (item.name.includes("gooseneck")) return shadow(100, 52) + line("M64 100 C38 96 50 60 30 48", dark(c, 0.1), 8) + shape("M64 112 L70 62 L126 62 L134 112Z", c) + line("M128 66 C160 62 162 100 138 104", trim, 8) + box(72, 52, 52, 10, 5, trim) + disc(98, 48, 6, trim);
  return shadow(100, 54) + shape("M60 116 L68 52 L128 52 L138 116Z", body) + (glass ? shape("M63 92 L66 82 L132 82 L136 112 L61 112Z", "#86c6dc", 'opacity=".8"') : line("M78 62 L74 104", light(c, 0.5), 5))
    + shape("M68 54 L44 62 L66 76Z", body) + line("M130 60 C160 58 160 104 138 106", trim, 9) + box(70, 42, 56, 11, 5, trim) + disc(98, 39, 6, trim) + box(56, 114, 86, 9, 4, trim) + (item.name.includes("temperature") ? box(86, 96, 28, 12, 3, "#1f2a30") + line("M92 102 L108 102", "#7fe0c0", 2) : "");
}

function toaster(c, item) {
  const bread = (x) => shape(`M${x} 60 L${x} 38 C${x - 4} 26 ${x + 38} 26 ${x + 34} 38 L${x + 34} 60Z`, "#d9a560") + shape(`M${x + 4} 60 L${x + 4} 40 C${x + 2} 32 ${x + 32} 32 ${x + 30} 40 L${x + 30} 60Z`, "#f0cf95");
  if (item.name.includes("sandwich")) return shadow(100, 64) + shape("M40 60 C40 44 52 36 70 36 L140 30 L146 44 L56 64Z", dark(c, 0.15)) + box(36, 82, 120, 34, 10, c) + shape("M46 82 L62 66 L152 66 L156 82Z", "#e5b970") + line("M146 38 L172 30", "#33363b", 7);
  return shadow(100, 64) + (item.name.includes("long") ? bread(62) + bread(94) : bread(54) + bread(112)) + box(34, 58, 132, 58, 16, c) + box(44, 56, 112, 8, 4, dark(c, 0.45)) + line("M48 74 L48 100", light(c, 0.5), 5) + box(160, 74, 12, 10, 3, "#33363b") + disc(144, 100, 6, dark(c, 0.35)) + (item.name.includes("four") ? line("M100 64 L100 114", dark(c), 2) + disc(64, 100, 6, dark(c, 0.35)) : "");
}

function blender(c, item) {
  if (item.name.includes("hand")) return line("M100 70 L100 112", "#a7b0b7", 11) + shape("M88 22 C88 14 112 14 112 22 L116 74 L84 74Z", c) + shape("M82 112 C82 100 118 100 118 112 L122 124 L78 124Z", "#a7b0b7") + disc(100, 38, 5, dark(c, 0.4));
  const jug = item.name.includes("personal") ? shape("M80 92 L84 34 C84 26 116 26 116 34 L120 92Z", "#cfe6ea") : shape("M72 92 L64 30 L136 30 L128 92Z", "#cfe6ea");
  return shadow(100, 44) + jug + shape("M73 92 L70 66 L130 66 L127 92Z", ["#d56b7a", "#8fbf5a", "#e9a13f"][hash(item.item_id, 3)], 'opacity=".85"') + box(item.name.includes("personal") ? 82 : 62, 22, item.name.includes("personal") ? 36 : 76, 10, 4, dark(c, 0.3)) + shape("M70 92 L130 92 L138 122 L62 122Z", c) + disc(100, 108, 8, dark(c, 0.4)) + disc(100, 108, 3, light(c, 0.5));
}

function coffee(c, item) {
  const name = item.name;
  if (name.includes("cold brew")) return shadow(100, 34) + shape("M76 40 L72 116 C72 122 128 122 128 116 L124 40Z", "#d6e6e6") + shape("M74 74 L72 116 C72 122 128 122 128 116 L126 74Z", "#5b3a26") + box(74, 26, 52, 15, 5, c) + box(90, 40, 20, 60, 4, dark("#5b3a26", 0.3));
  if (name.includes("filter")) return shadow(100, 52) + box(56, 26, 26, 94, 8, c) + box(56, 26, 84, 18, 8, c) + shape("M92 44 L138 44 L126 66 L104 66Z", dark(c, 0.3)) + shape("M92 84 L138 84 L132 112 L98 112Z", "#cfe6ea") + shape("M94 96 L136 96 L132 112 L98 112Z", "#5b3a26") + box(52, 112, 96, 10, 4, dark(c, 0.2));
  const tall = name.includes("bean");
  return shadow(100, 58) + box(46, tall ? 30 : 42, 108, tall ? 90 : 76, 10, c) + (tall ? shape("M62 30 L68 14 L132 14 L138 30Z", "#8d6b4c") : box(54, 34, 92, 9, 4, dark(c, 0.2))) + box(58, 68, 84, 38, 6, dark(c, 0.55)) + box(92, 62, 16, 16, 3, "#cfd5d9") + (tall ? "" : line("M100 72 L126 80", "#33363b", 6)) + shape("M90 88 L112 88 L109 104 L93 104Z", "#fbfaf6") + disc(64, 54, 6, light(c, 0.5)) + disc(82, 54, 6, light(c, 0.5)) + line("M98 84 C96 80 102 80 100 76", "#fbfaf6", 2);
}

function mixer(c, item) {
  return shadow(100, 62) + box(44, 108, 110, 13, 6, dark(c, 0.1)) + shape("M120 108 L124 62 L148 62 L150 108Z", c) + shape("M40 46 C40 30 60 28 80 30 L140 34 C158 38 158 66 140 68 L66 66 C48 66 40 60 40 46Z", c) + line("M70 68 L70 84", "#a7b0b7", 7) + shape("M44 80 L100 80 C100 104 86 108 72 108 C58 108 44 104 44 80Z", "#c9d0d4") + disc(130, 50, 6, light(c, 0.6)) + line("M52 42 L84 44", light(c, 0.55), 4) + (item.name.includes("cooking") ? box(124, 86, 24, 14, 3, "#1f2a30") : "");
}

function pan(c, item) {
  const name = item.name;
  if (name.includes("saucepan")) return shadow(86, 50) + line("M130 70 L188 62", "#8a5a37", 8) + box(40, 58, 92, 54, 8, c) + `<ellipse cx="86" cy="58" rx="46" ry="9" fill="${light(c, 0.35)}"/>` + `<ellipse cx="86" cy="58" rx="36" ry="5" fill="${dark(c, 0.4)}"/>`;
  if (name.includes("wok")) return shadow(92, 44) + line("M148 66 L190 50", "#8a5a37", 8) + shape("M30 64 L154 64 C150 106 122 118 92 118 C62 118 34 106 30 64Z", c) + `<ellipse cx="92" cy="64" rx="62" ry="11" fill="${light(c, 0.25)}"/>` + [62, 84, 106, 122].map((x, at) => disc(x, 62, 7, ["#7ea95a", "#d9694b", "#e9b64a", "#7ea95a"][at])).join("");
  return shadow(84, 54) + line("M134 92 L190 84", dark(c, 0.2), 10) + `<ellipse cx="84" cy="96" rx="58" ry="22" fill="${dark(c, 0.3)}"/><ellipse cx="84" cy="90" rx="58" ry="22" fill="${c}"/><ellipse cx="84" cy="90" rx="46" ry="15" fill="${dark(c, 0.35)}"/>` + (name.includes("non-stick") ? `<ellipse cx="84" cy="90" rx="20" ry="9" fill="#fdfbf3"/>` + disc(86, 89, 6, "#f2b53c") : "");
}

function knife(c, item) {
  const name = item.name, small = name.includes("paring"), from = small ? 66 : 24;
  const edge = name.includes("bread") ? "M24 78 L126 60 L130 84 L120 80 L112 87 L104 82 L96 89 L88 84 L80 91 L72 86 L64 93 L56 88 L48 94 L40 90 L30 92Z"
    : name.includes("santoku") ? "M28 70 C30 62 40 60 52 60 L128 60 L128 92 L40 94 C30 90 26 80 28 70Z" : `M${from} 88 C${from + 30} 66 ${from + 44} 62 130 60 L130 88 C100 96 ${from + 30} 96 ${from} 88Z`;
  return box(18, 30, 164, 92, 12, "#d9b98c", 'opacity=".55"') + line("M30 52 L170 44 M30 104 L170 112", "#c29d69", 1.500) + shape(edge, "#d5dbdf") + line(`M${from + 20} 86 L126 84`, "#f7f9fa", 2) + box(126, 56, 8, 34, 2, "#8a9298") + box(132, 60, 52, 22, 9, c) + disc(146, 71, 2.600, "#e9dfc8") + disc(168, 71, 2.600, "#e9dfc8");
}

function bedding(c, item, at) {
  const name = item.name;
  if (name.includes("pillow")) return shadow(100, 66) + shape("M40 60 C70 46 130 46 160 60 C172 82 168 104 158 112 C130 122 70 122 42 112 C32 104 28 82 40 60Z", c) + line("M52 68 C84 60 116 60 148 68", dark(c, 0.14), 2) + line("M40 60 C46 70 46 80 44 90 M160 60 C154 70 154 80 156 90", dark(c, 0.2), 3);
  if (name.includes("duvet")) return shadow(100, 74) + shape("M28 70 C60 52 140 52 172 70 L166 116 C130 128 70 128 34 116Z", c) + [0, 1, 2, 3].map((n) => line(`M${58 + n * 28} 60 C${56 + n * 28} 84 ${58 + n * 28} 104 ${56 + n * 28} 120`, dark(c, 0.13), 2)).join("") + line("M32 88 C70 76 130 76 168 88", dark(c, 0.13), 2);
  return shadow(100, 78) + box(24, 44, 152, 74, 10, dark(c, 0.2)) + box(34, 38, 54, 30, 10, light(c, 0.55)) + box(112, 38, 54, 30, 10, light(c, 0.55)) + shape("M24 72 C70 62 130 62 176 72 L176 112 C176 122 24 122 24 112Z", c) + line("M24 84 C70 74 130 74 176 84", light(c, 0.5), 5) + (at % 2 ? [46, 74, 102, 130, 154].map((x) => disc(x, 102, 3.500, light(c, 0.5))).join("") : line("M40 96 L40 116 M70 94 L70 118 M100 93 L100 119 M130 94 L130 118 M160 96 L160 116", light(c, 0.4), 2));
}

const glow = (x, y, radius) => disc(x, y, radius, "#ffe7a3", 'opacity=".45"');
function lamp(c, item) {
  const name = item.name;
  if (name.includes("arc")) return glow(146, 70, 34) + shadow(60, 34) + line("M60 120 C50 30 110 8 146 44", dark(c, 0.1), 6) + shape("M122 62 C124 40 168 40 170 62Z", c) + `<ellipse cx="60" cy="120" rx="28" ry="7" fill="${dark(c, 0.2)}"/>`;
  if (name.includes("tripod")) return glow(100, 50, 40) + line("M100 62 L64 126 M100 62 L136 126 M100 62 L104 122", "#b98a58", 6) + shape("M74 62 L84 24 L116 24 L126 62Z", c === "#b5bcc1" ? "#f0e6d2" : light(c, 0.3));
  if (name.includes("uplighter")) return shape("M58 14 L142 14 L112 44 L88 44Z", "#ffe7a3", 'opacity=".5"') + shape("M74 30 C76 50 124 50 126 30Z", c) + line("M100 46 L100 118", dark(c, 0.1), 6) + `<ellipse cx="100" cy="120" rx="30" ry="7" fill="${dark(c, 0.2)}"/>`;
  if (name.includes("desk") || name.includes("reading")) return glow(138, 74, 30) + shadow(84, 40) + line("M80 116 L66 74 L112 44", dark(c, 0.1), 6) + shape("M100 40 L120 30 L154 62 L128 76Z", c) + `<ellipse cx="80" cy="118" rx="30" ry="7" fill="${dark(c, 0.2)}"/>`;
  if (name.includes("portable")) return glow(100, 62, 44) + shadow(100, 32) + shape("M66 62 C66 34 134 34 134 62Z", c) + line("M100 62 L100 112", dark(c, 0.1), 7) + box(76, 110, 48, 12, 6, dark(c, 0.2));
  return glow(100, 56, 44) + shadow(100, 36) + shape("M70 70 L80 30 L120 30 L130 70Z", light(c, 0.35)) + line("M100 70 L100 92", dark(c, 0.1), 6) + shape("M80 120 C78 96 122 96 120 120Z", c);
}

function living(c, item) {
  if (item.name.includes("cushion")) return shadow(100, 56) + shape("M50 44 C80 52 120 52 150 44 C142 72 142 92 150 118 C120 110 80 110 50 118 C58 92 58 72 50 44Z", c) + line("M70 58 L130 104 M130 58 L70 104", light(c, 0.4), 3) + disc(100, 81, 5, dark(c, 0.3));
  return shadow(100, 66) + box(40, 44, 120, 70, 8, c) + box(40, 44, 120, 20, 8, light(c, 0.2)) + line("M40 80 L160 80 M40 96 L160 96", light(c, 0.4), 3) + [46, 62, 78, 94, 110, 126, 142, 154].map((x) => line(`M${x} 114 L${x - 2} 126`, dark(c, 0.1), 3)).join("");
}

function basket(c, item) {
  if (item.name.includes("box")) return shadow(100, 64) + box(38, 62, 124, 56, 8, c) + box(32, 48, 136, 18, 6, dark(c, 0.18)) + box(84, 82, 32, 12, 5, light(c, 0.6));
  return shadow(100, 54) + line("M60 60 C64 30 136 30 140 60", dark(c, 0.15), 6) + shape("M46 56 L154 56 L142 120 L58 120Z", c) + [68, 82, 96, 110].map((y) => line(`M${50 + (y - 56) * 0.18} ${y} L${150 - (y - 56) * 0.18} ${y}`, dark(c, 0.16), 3, item.name.includes("woven") ? 'stroke-dasharray="8 6"' : 'opacity=".5"')).join("");
}

function shelf(c, item) {
  const books = (x, y) => ["#b8503f", "#3f6f86", "#d4a02d", "#5c7a4f"].map((tint, at) => box(x + at * 9, y - 20 - (at % 3) * 4, 7, 20 + (at % 3) * 4, 1, tint)).join("");
  if (item.name.includes("wall")) return box(30, 62, 140, 8, 2, c) + box(30, 108, 140, 8, 2, c) + books(46, 62) + shape("M120 62 L124 42 L144 42 L148 62Z", "#c56a4a") + disc(134, 36, 12, "#6f8354") + books(108, 108) + disc(62, 98, 10, "#eadfc6");
  const cells = item.name.includes("cube") ? [[40, 24, 60], [100, 24, 60], [40, 74, 60], [100, 74, 60]] : [[50, 18, 100], [50, 50, 100], [50, 84, 100]];
  return shadow(100, 60) + box(cells[0][0] - 4, cells[0][1] - 6, 128 - (item.name.includes("cube") ? 0 : 20), 110, 4, c) + cells.map(([x, y, width], at) => box(x + 2, y, width - 4, item.name.includes("cube") ? 44 : 28, 2, dark(c, 0.5)) + books(x + 8 + (at % 2) * 12, y + (item.name.includes("cube") ? 44 : 28))).join("");
}

function tent(c, item) {
  const ground = shape("M10 112 C60 104 140 104 190 112 L190 128 L10 128Z", "#a9bd8a"), pines = shape("M20 110 L32 66 L44 110Z M160 108 L170 76 L182 108Z", "#6d8a66");
  if (item.name.includes("pop-up")) return pines + ground + shape("M36 114 C44 52 156 52 164 114Z", c) + shape("M80 114 C84 72 116 72 120 114Z", dark(c, 0.45));
  if (item.name.includes("family")) return pines + ground + shape("M28 114 L44 54 L140 48 L172 114Z", c) + shape("M28 114 L44 54 L84 52 L84 114Z", dark(c, 0.18)) + shape("M96 114 L100 68 L128 68 L136 114Z", dark(c, 0.45)) + box(52, 70, 22, 16, 3, "#e9f1ee");
  return pines + ground + shape("M40 114 L96 42 L164 114Z", c) + shape("M40 114 L96 42 L84 114Z", dark(c, 0.2)) + shape("M98 114 L98 66 L126 114Z", dark(c, 0.48)) + line("M96 42 L96 34", "#33363b", 3) + line("M40 114 L28 120 M164 114 L176 120", "#33363b", 2);
}

function sleepingBag(c, item) {
  const child = item.name.includes("children");
  return shadow(100, 74, 122) + shape("M26 92 C24 66 48 56 70 58 L156 66 C182 70 182 112 156 116 L66 120 C40 122 28 112 26 92Z", c) + shape("M26 92 C24 66 48 56 70 58 C86 70 84 108 66 120 C40 122 28 112 26 92Z", dark(c, 0.2)) + disc(56, 90, 20, light(c, 0.55)) + [90, 108, 126, 144].map((x) => line(`M${x} 61 C${x + 8} 80 ${x + 8} 100 ${x} 118`, dark(c, 0.16), 2)).join("") + (child ? [100, 120, 138].map((x, at) => disc(x, 82 + (at % 2) * 16, 5, "#f5d66b")).join("") : "");
}

function stove(c, item) {
  const flame = (x, y) => shape(`M${x} ${y} C${x - 12} ${y - 12} ${x - 3} ${y - 18} ${x} ${y - 30} C${x + 4} ${y - 18} ${x + 12} ${y - 12} ${x} ${y}Z`, "#f0853a") + shape(`M${x} ${y} C${x - 6} ${y - 7} ${x} ${y - 12} ${x} ${y - 17} C${x + 3} ${y - 11} ${x + 6} ${y - 7} ${x} ${y}Z`, "#ffd75e");
  if (item.name.includes("two")) return shadow(100, 70) + flame(68, 74) + flame(132, 74) + box(34, 74, 132, 36, 8, c) + box(46, 70, 44, 6, 3, "#33363b") + box(110, 70, 44, 6, 3, "#33363b") + disc(68, 94, 7, light(c, 0.6)) + disc(132, 94, 7, light(c, 0.6));
  return shadow(100, 40) + flame(100, 66) + line("M78 62 L90 72 M122 62 L110 72", "#565d68", 5) + box(84, 68, 32, 10, 4, "#565d68") + (item.name.includes("spirit") ? box(70, 80, 60, 36, 10, c) : shape("M66 92 C66 78 134 78 134 92 L134 118 L66 118Z", c) + box(66, 98, 68, 10, 0, light(c, 0.6)));
}

function backpack(c, item) {
  const tall = /trekking|carrier/.test(item.name);
  return shadow(100, 44) + line("M84 34 C84 20 116 20 116 34", dark(c, 0.3), 6) + box(62, tall ? 24 : 34, 76, tall ? 98 : 88, 24, c) + box(72, 78, 56, 40, 12, dark(c, 0.16)) + line("M80 90 L120 90", "#f0b93f", 3) + shape(`M64 ${tall ? 48 : 56} C64 ${tall ? 20 : 30} 136 ${tall ? 20 : 30} 136 ${tall ? 48 : 56} L130 66 L70 66Z`, dark(c, 0.26)) + box(94, 60, 12, 16, 3, "#f1ece1") + (tall ? box(52, 112, 96, 13, 6, "#c56a4a") : "") + (item.name.includes("carrier") ? disc(100, 20, 12, "#e9c39b") : "");
}

const DRAWINGS = [
  ["Running/Shoes", shoe], ["Running/Clothing", clothing], ["Running/Accessories", runningGear], ["Cycling/Bikes", bicycle],
  ["Cycling/Helmets", helmet], ["Cycling/Lights", cycleGear], ["Fitness", weights], ["Swimming", swimming], ["Yoga", yoga],
  ["Kettles", kettle], ["Toasters", toaster], ["Blenders", blender], ["Coffee", coffee], ["Stand mixers", mixer], ["Pans", pan],
  ["Knives", knife], ["Bedding", bedding], ["Lighting", lamp], ["Living", living], ["Boxes", basket], ["Shelving", shelf],
  ["Tents", tent], ["Sleeping", sleepingBag], ["Stoves", stove], ["Backpacks", backpack],
];

/** The colour that the item's attributes name, else one that follows from its id. */
export function colourOf({ attributes, item_id }) {
  for (const name of ["colour", "material", "filling", "handle", "fuel"]) if (COLOURS[attributes[name]]) return COLOURS[attributes[name]];
  return ["#5f6c78", "#bd7448", "#6f8354", "#4a6d8c"][hash(item_id, 4)];
}

/** The picture as SVG text. Made of this file's constants and numbers only; nothing of the catalogue's texts is in it. */
export function picture(item) {
  const at = hash(item.item_id, 97), category = item.category || "";
  if (category.startsWith("Magazine/")) return framed(scene(item, at), "#dfe8ea");
  const drawing = DRAWINGS.find(([part]) => category.includes(part));
  const inner = drawing ? drawing[1](colourOf(item), item, at) : disc(100, 75, 34, colourOf(item));
  return framed(inner, FLOORS[hash(category + item.item_id, FLOORS.length)]);
}

const framed = (inner, ground) => `<svg viewBox="0 0 200 150" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false"><rect width="200" height="150" fill="${ground}"/>${inner}</svg>`;

// --- the magazine: a landscape per article, after what it is about -------------------------------------------------

const SKIES = [["#f6d9a8", "#e79a6b"], ["#cfe3ea", "#8fb9c9"], ["#e6dbe9", "#a998bd"], ["#f3e6c8", "#c9b27c"], ["#d5e6d3", "#86ab8b"]];
const TOPICS = {
  trains: () => line("M0 122 L200 122", "#4f4a45", 3) + line("M0 128 L200 128", "#4f4a45", 2, 'stroke-dasharray="8 6"') + box(24, 92, 64, 26, 5, "#b8303a") + box(92, 92, 64, 26, 5, "#b8303a") + shape("M160 92 L176 92 C188 96 192 108 192 118 L160 118Z", "#b8303a") + [32, 50, 68, 100, 118, 136].map((x) => box(x, 97, 12, 10, 2, "#f7ecd0")).join("") + box(24, 110, 164, 3, 0, "#f3efe4"),
  running: () => disc(112, 66, 8, "#33363b") + line("M110 76 L100 98 L112 110 L104 130 M100 98 L82 108 L70 104 M108 80 L122 90 L134 84 M108 80 L92 84 L88 96", "#33363b", 6),
  cycling: () => bicycle("#c56a4a", { tags: ["racing"] }),
  camping: () => tent("#e2864a", { name: "" }),
  hiking: () => line("M96 128 C120 112 70 104 100 90 S110 76 104 68", "#f7ecd0", 6),
  sleep: () => disc(150, 38, 16, "#fdf6dc") + disc(158, 33, 15, "#a998bd") + bedding("#7c8fae", { name: "" }, 1),
  bread: () => shape("M44 112 C36 74 70 62 100 62 C132 62 164 74 156 112Z", "#c98a49") + line("M74 72 C80 82 80 90 76 100 M100 68 C106 80 106 90 102 100 M126 72 C132 82 132 90 128 100", "#f0cf95", 6),
  coffee: () => shape("M62 68 L128 68 C128 104 118 116 95 116 C72 116 62 104 62 68Z", "#fbfaf6") + line("M128 76 C152 74 150 102 124 102", "#fbfaf6", 8) + `<ellipse cx="95" cy="70" rx="32" ry="7" fill="#5b3a26"/>` + line("M84 56 C80 46 90 42 86 32 M106 56 C102 46 112 42 108 32", "#fbfaf6", 4),
  knives: () => knife("#b5813f", { name: "" }),
  yoga: () => disc(100, 58, 9, "#33363b") + line("M100 70 L100 96 M100 78 L72 94 M100 78 L128 94 M100 96 L62 112 L92 116 M100 96 L138 112 L108 116", "#33363b", 7),
  order: () => shelf("#c99f68", { name: "cube" }),
};

function scene(item, at) {
  const [low, high] = SKIES[at % SKIES.length], topic = item.tags.find((tag) => TOPICS[tag]);
  return `<rect width="200" height="150" fill="${low}"/>` + disc(40 + (at % 5) * 28, 40, 18, light(low, 0.55))
    + shape(`M0 ${92 - (at % 7)} C40 ${60 + (at % 11)} 70 ${96 - (at % 5)} 110 ${72 + (at % 9)} S170 ${64 + (at % 13)} 200 ${86 - (at % 7)} L200 150 L0 150Z`, high)
    + shape(`M0 ${116 - (at % 5)} C50 ${96 + (at % 9)} 110 ${124 - (at % 9)} 200 ${104 + (at % 7)} L200 150 L0 150Z`, dark(high, 0.22)) + (topic ? TOPICS[topic](item) : "");
}
