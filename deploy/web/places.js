/** Which brands a gallery names, and where in a photo. The counterpart of logo_keras/gallery/places.py and calibration.py. */

import { area, intersection } from "./detection.js";
import { Refused } from "./metadata.js";
import { square, wholeBox } from "./surroundings.js";

// As in Python, where each has its reason.
const ONE_LOGO = 0.5;
const ONE_PLACE = 1 / 3;
const OTHERS = 0.5;

/**
 * Looks at a photo: at the boxes, or at the photo as a whole and, with a detector, at all regions that it finds.
 *
 * @param {Embedder | Searching} model
 * @param {ImageData} photo
 * @param {number[][]} [boxes] (y0, x0, y1, x1) px of the photo.
 * @returns {Promise<{boxes: number[][], vectors: Float32Array[], searched: boolean}>} of each place its box and its vector.
 */
export async function look(model, photo, boxes) {
  const whole = wholeBox(photo);
  if (boxes || !model.detects) {
    const vectors = [];
    for (const box of boxes ?? [whole]) vectors.push(await model.embed(square(photo, box, boxes ? undefined : 1)));
    return { boxes: boxes ?? [whole], vectors, searched: false };
  }
  const found = await model.detect(photo);
  if (!found.whole.embedding.every(Number.isFinite)) throw new Refused(`${model.name}: gave numbers that are not finite.`);
  return {
    boxes: [whole, ...found.regions.map(({ box }) => box)],
    vectors: [found.whole.embedding, ...found.regions.map(({ embedding }) => embedding)],
    searched: true,
  };
}

/**
 * The likeliest known brands of each place, the most similar first.
 *
 * @param {number[][]} similarities [places][brands].
 * @param {boolean[][]} known [places][brands], whether it may be named there.
 * @param {number} top most brands a place.
 * @returns {{brand: number, place: number, similarity: number}[]}
 */
export function likeliest(similarities, known, top) {
  const named = similarities.flatMap((row, place) => {
    const ranked = row.map((similarity, brand) => ({ brand, place, similarity })).filter(({ brand }) => known[place][brand]);
    return ranked.sort(bySimilarity).slice(0, top);
  });
  return named.sort(bySimilarity);
}

/**
 * Makes one of what shows the same logo: the most similar counts first.
 *
 * @param {{brand: number, place: number}[]} named as `likeliest` gives them.
 * @param {number[][]} boxes of the places.
 * @param {number} top most brands a place.
 * @returns {(number | undefined)[]} of each of `named` the place whose box it gets; undefined for what is left out.
 */
export function merged(named, boxes, top) {
  const common = (one, other) => area(intersection(boxes[one], boxes[other]));
  const areLogo = (one, other) => common(one, other) >= ONE_LOGO * Math.min(area(boxes[one]), area(boxes[other]));
  const areNear = (one, other) =>
    common(one, other) >= ONE_PLACE * (area(boxes[one]) + area(boxes[other]) - common(one, other));
  // How many names places have, those of each brand, and where the names of a place go once that is settled.
  const [names, ofBrand, settled] = [new Map(), new Map(), new Map()];
  return named.map(({ brand, place }) => {
    if (!ofBrand.has(brand)) ofBrand.set(brand, []);
    const own = ofBrand.get(brand);
    const home = settled.get(place) ?? [...names.keys()].find((other) => areNear(place, other)) ?? place;
    if (names.get(home) === top || own.some((other) => areLogo(place, other))) return undefined;
    own.push(home);
    names.set(home, (names.get(home) ?? 0) + 1);
    settled.set(place, home);
    return home;
  });
}

/** How far each brand stands out at a place: its similarity minus half of that of the likeliest other, where that is above 0. */
export function apart(similarities) {
  if (similarities.length < 2) return similarities;
  const [best, second] = [...similarities].sort((one, other) => other - one);
  // Where two are alike, each is the other's rival.
  return similarities.map((value) => value - OTHERS * Math.max(value === best ? second : best, 0));
}

function bySimilarity(one, other) {
  return other.similarity - one.similarity;
}
