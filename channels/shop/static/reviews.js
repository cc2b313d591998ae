// Made-up reviews: which of these sentences stand under an item follows from its tags, its category and a hash of its id.

import { hash } from "./dom.js";

const PEOPLE = ["Annika", "Bram", "Carla", "Dario", "Elif", "Finn", "Greta", "Hamza", "Ida", "Jonas", "Kaja", "Liam", "Mona", "Nils", "Olga", "Pia"];

const OF_SHOES = {
  cushioned: [
    ["Soft, soft, soft", 4, "Soft and light, and my knees thank me. But after an hour I missed some arch support, so for long days I would look for that."],
    ["Like walking on grass", 5, "The foam swallows everything. I ran the last ten kilometres of my marathon in them and could still take the stairs."],
  ],
  stability: [
    ["Keeps me straight", 5, "My ankle used to fall inwards when I got tired. With the arch support in this shoe it stays where it belongs."],
    ["Firm, in a good way", 4, "You feel the post at first and forget it after a week. Good arch support without the brick of older shoes."],
  ],
  neutral: [
    ["Gets out of the way", 4, "Light and simple. If your feet are strong you will love it; mine would like more arch support after the first hour."],
    ["My daily pair", 5, "Tempo runs, the way to the station, a walk with the dog. Nothing to think about."],
  ],
  trail: [
    ["Mud is no argument", 5, "The lugs hold on wet roots. On asphalt they are loud, and there is little cushioning."],
    ["Grips, drains, dries", 4, "Through two streams and up a meadow. I would size up half a number for long descents."],
  ],
};

const OF_PLACES = [
  ["Sports/Running", [["Does not move", 5, "Stays in place from the first minute to the last, and washes well."], ["Good for cold mornings", 4, "I wear it from October to March. The seams could be flatter."]]],
  ["Sports/Cycling", [["Every day since spring", 5, "In rain, with shopping, once with a cello. Nothing has come loose."], ["Solid", 4, "Took ten minutes to set up. The manual could show more pictures."]]],
  ["Sports", [["Simple and well made", 5, "No smell out of the box, and it has kept its shape."], ["As described", 4, "Colour a little darker than in the picture, else just right."]]],
  ["Outdoor", [["A dry night", 5, "It rained sideways and I slept. Packs smaller than I thought."], ["Light enough", 4, "A few grams more than printed, but I would take it again."]]],
  ["Kitchen/Appliances", [["My mornings are calmer", 5, "Quiet, quick, and easy to wipe. The cable could be longer."], ["Good, if not cheap", 4, "Does what it says. I waited for the offer."]]],
  ["Kitchen", [["Gets better with use", 5, "The first week it stuck a little, now it is the one I reach for."], ["Heavy, happily", 4, "You need two hands, and you will not need another one."]]],
  ["Home", [["Looks like more", 5, "Friends asked where it is from. The finish is even, also at the back."], ["Fits our small flat", 4, "Put together in twenty minutes with one spare screw."]]],
];

/** Three reviews: {author, title, stars, text}. */
export function reviewsOf(item) {
  const kind = Object.keys(OF_SHOES).find((tag) => item.category.endsWith("Running/Shoes") && item.tags.includes(tag));
  const general = OF_PLACES.find(([start]) => item.category.startsWith(start))?.[1] || [];
  const found = [...(kind ? OF_SHOES[kind] : []), ...general, ["Arrived in two days", hash(item.item_id, 2) + 4, "Well packed, no plastic. The return label was in the box; I did not need it."]];
  return found.slice(0, 3).map(([title, stars, text], at) => ({ author: PEOPLE[hash(item.item_id + at, PEOPLE.length)], title, stars, text }));
}
