/** Where logos are in one photo, by a detector's file. The counterpart of logo_keras/edge/detection.py. */

import { letterbox, part, picture } from "./preprocessing.js";

// As in Python, where each has its reason.
const LONGEST = 2.5;
const OVERLAP = 0.25;
const MOST_PARTS = 32;
const SAME = 0.5;
const INSIDE = 0.5;
const AT_END = 0.02;

/**
 * Finds logos in one photo.
 *
 * @param {(image: Uint8Array) => Promise<Object<string, Float32Array>>} infer runs the detector's file.
 * @param {ImageData} photo decoded.
 * @param {{image_size: number, preprocessing: string, num_regions: number, dimensions: number}} metadata of the file.
 * @returns {Promise<{whole: {embedding: Float32Array, objectness: number}, regions: {box: number[], score: number,
 *     embedding: Float32Array, objectness: number}[]}>} boxes (y0, x0, y1, x1) px of the photo and inside it, best score first.
 */
export async function detect(infer, photo, metadata) {
  const found = [];
  let whole;
  for (const [number, place] of parts(photo.height, photo.width, metadata.image_size).entries()) {
    const looked = await look(infer, photo, place, metadata);
    whole ??= looked.whole;
    found.push(...looked.regions.map((region) => ({ ...region, number })));
  }
  return { whole, regions: merged(found) };
}

/** The parts of a photo that are looked at, (y0, x0, y1, x1) px: the whole, and, of a long one, others that overlap. */
export function parts(height, width, size) {
  const [longer, shorter] = [Math.max(height, width), Math.min(height, width)];
  const found = [[0, 0, height, width]];
  let length = Math.max(shorter, size);
  if (longer <= LONGEST * length) return found;
  const step = 1 - OVERLAP;
  const count = Math.min(Math.ceil((longer / length - OVERLAP) / step), MOST_PARTS);
  // More than `length` only where there are as many parts as may be.
  length = Math.max(length, Math.ceil(longer / (1 + step * (count - 1))));
  for (let number = 0; number < count; number++) {
    const start = Math.floor((number * (longer - length)) / (count - 1));
    found.push(width > height ? [0, start, height, start + length] : [start, 0, start + length, width]);
  }
  return found;
}

/** Of regions that find the same logo the best, and the whole logo before a part of it; the best score first. */
export function merged(regions) {
  const kept = [];
  // Sorting is stable: of equal scores the first.
  for (const region of [...regions].sort((one, other) => one.cut - other.cut || other.score - one.score)) {
    const again = kept.some((other) => {
      const common = area(intersection(region.box, other.box));
      const both = area(region.box) + area(other.box) - common;
      return common >= SAME * both || (region.cut && region.number !== other.number && common >= INSIDE * area(region.box));
    });
    if (!again) kept.push(region);
  }
  return kept.sort((one, other) => other.score - one.score);
}

/** What two boxes have in common, a box; without area where they have nothing. */
export function intersection(one, other) {
  return [0, 1, 2, 3].map((place) => (place < 2 ? Math.max : Math.min)(one[place], other[place]));
}

/** px of a box, 0 of one that is turned inside out. */
export function area([y0, x0, y1, x1]) {
  return Math.max(y1 - y0, 0) * Math.max(x1 - x0, 0);
}

async function look(infer, photo, place, { image_size: size, preprocessing, num_regions: count, dimensions }) {
  const [y0, x0, y1, x1] = place;
  const seen = part(picture(photo), y0, x0, y1 - y0, x1 - x0);
  const { data, place: [top, left, bottom, right] } = letterbox(seen, size, preprocessing);
  const outputs = await infer(data);
  // Each axis has its own factor, since letterboxing rounds to whole px.
  const scales = [(y1 - y0) / (bottom - top), (x1 - x0) / (right - left)];
  // Where the photo itself ends, nothing is cut off that another part has.
  const end = AT_END * Math.max(y1 - y0, x1 - x0);
  const goesOn = [y0 > 0, x0 > 0, y1 < photo.height, x1 < photo.width];
  const regions = [];
  for (let row = 0; row < count; row++) {
    const given = outputs.region_boxes.slice(row * 4, row * 4 + 4);
    const embedding = outputs.region_embeddings.slice(row * dimensions, (row + 1) * dimensions);
    const [score, objectness] = [outputs.region_scores[row], outputs.region_objectness[row]];
    // What a damaged file may say of boxes far away is nowhere in the photo either.
    const box = Array.from(given, (corner, axis) => {
      const near = Math.min(Math.max(corner, -size), 2 * size);
      return (near - [top, left][axis % 2]) * scales[axis % 2] + place[axis % 2];
    });
    const within = box.map((corner, axis) => Math.min(Math.max(corner, place[axis % 2]), place[2 + (axis % 2)]));
    const finite = [...given, ...embedding, score, objectness].every(Number.isFinite);
    if (!finite || !area(within) || area(within) < INSIDE * area(box)) continue;
    const cut = within.some((corner, axis) => goesOn[axis] && Math.abs(corner - place[axis]) <= end);
    regions.push({ box: within, score, embedding, objectness, cut });
  }
  return { whole: { embedding: outputs.embedding.slice(), objectness: outputs.objectness[0] }, regions };
}
