/** The square around a box: what an embedder sees of a mark. The counterpart of logo_keras/image/surroundings.py. */

import { Refused } from "./metadata.js";
import { continued, even, part, picture, resize } from "./preprocessing.js";

// Side of the square in longer sides of the box, and px from which on it is shrunk as it is cut. As in Python.
export const CONTEXT = 1.25;
const LARGEST = 1024;

/** The box of a whole photo, (y0, x0, y1, x1) px. */
export function wholeBox({ width, height }) {
  return [0, 0, height, width];
}

/**
 * Cuts the square around a box out of a photo; beyond the photo its outermost px go on.
 *
 * @param {{width: number, height: number, data: Uint8Array | Uint8ClampedArray, step?: number}} photo a picture, or ImageData.
 * @param {number[]} box (y0, x0, y1, x1) px of the photo; may reach beyond it.
 * @param {number} context side of the square in longer sides of the box.
 * @returns a picture, RGB, of at most 1024 px.
 * @throws {Refused} if the box is empty or lies outside the photo.
 */
export function square(photo, box, context = CONTEXT) {
  const { width, height } = photo;
  const ends = [height, width, height, width];
  const [y0, x0, y1, x1] = box.map((corner, place) => Math.min(Math.max(corner, 0), ends[place]));
  if (!(y0 < y1 && x0 < x1)) throw new Refused(`The box ${box} is empty, or lies outside the photo of ${height} x ${width} px.`);
  let side = Math.max(1, even(context * Math.max(y1 - y0, x1 - x0)));
  // px that become one.
  const step = Math.ceil(side / LARGEST);
  side = Math.ceil(side / step) * step;
  const [top, left] = [even((y0 + y1 - side) / 2), even((x0 + x1 - side) / 2)];
  const [from, first] = [Math.max(top, 0), Math.max(left, 0)];
  const [rows, columns] = [Math.min(top + side, height) - from, Math.min(left + side, width) - first];
  let seen = part(picture(photo), from, first, rows, columns);
  // How far the square reaches beyond what is seen, above, below, to the left and to the right.
  const [above, before] = [Math.max(-top, 0), Math.max(-left, 0)];
  let beyond = [above, side - above - rows, before, side - before - columns];
  if (step > 1) {
    seen = continued(seen, beyond.map((length) => length % step));
    seen = resize(seen, seen.width / step, seen.height / step);
    beyond = beyond.map((length) => Math.floor(length / step));
  }
  return continued(seen, beyond);
}
