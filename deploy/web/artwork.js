/** From what a visitor gives for a brand to reference crops. The counterpart of logo_keras/gallery/artwork.py and pictures.py. */

import { blake2b } from "./node_modules/@noble/hashes/blake2.js";
import { bytesToHex } from "./node_modules/@noble/hashes/utils.js";
import { decodeWithAlpha, even, isOpaque, part, picture, putOnGround, resize, UnreadablePhotograph } from "./preprocessing.js";
import { CONTEXT, square, wholeBox } from "./surroundings.js";
import { draw, isSvg } from "./svg.js";

export const [ARTWORK, PHOTO] = ["artwork", "photo"];
const [BLACK, WHITE] = ["black on light", "white on dark"];
/** How artwork is drawn in one colour. */
export const IN_ONE_COLOUR = [BLACK, WHITE];
// As in Python, where each has its reason.
const [DRAWN, KEPT, THUMBNAIL] = [512, 320, 64];
const [LIGHT, DARK] = [250, 18];
const SEEN = 40;
const OPAQUE = 24;
const PATCH = 0.97;
const PLAIN = 20;
const QUALITY = 0.95;
// px: drawing a mark takes some 30 bytes each, of which a tab has not many more.
const MAX_PIXELS = 16_000_000;

/**
 * Makes the reference crops of a file of artwork: drawn on light and dark, in its colours and in one.
 *
 * @param {File | Blob} file SVG or an image.
 * @returns {Promise<{image: object, kind: string, drawn: string, source: string, box: null, file: string, digest: string}[]>}
 *     `image` is a picture, a square of at most 320 px.
 * @throws {UnreadablePhotograph} if it cannot be read, is too large, or shows nothing.
 */
export async function ofArtwork(file) {
  const source = file.name ?? "artwork";
  const bytes = new Uint8Array(await file.arrayBuffer());
  const given = /\.svgz?$/i.test(source) || isSvg(bytes) ? await draw(bytes, DRAWN, source) : await decodeWithAlpha(file);
  const { width, height } = given;
  if (width * height > MAX_PIXELS) {
    const limit = `at most ${MAX_PIXELS / 1e6} million px are read of a logo: save it smaller`;
    throw new UnreadablePhotograph(`${source}: too large: ${width} x ${height} px, ${limit}.`);
  }
  const about = { kind: ARTWORK, source, box: null, file: digestOfPhoto(given) };
  const made = new Map();
  for (const [drawn, image] of drawings(given, source)) {
    const digest = digestOf(image.data);
    // A black mark is the same in its own colour and in black.
    if (!made.has(digest)) made.set(digest, { ...about, image, drawn, digest });
  }
  return [...made.values()];
}

/**
 * Makes the reference crop of a box in a photo.
 *
 * @param {ImageData} photo decoded.
 * @param {number[]} box (y0, x0, y1, x1) px of the photo.
 * @param {string} source the name of the photo's file.
 * @returns {object[]} as `ofArtwork`, one crop.
 * @throws {UnreadablePhotograph} if the box shows nothing.
 */
export function ofPhoto(photo, box, source) {
  const image = kept(square(photo, box));
  if (!differs(image, 1)) throw new UnreadablePhotograph(`${source}: shows nothing in the box: it is of one colour all over.`);
  return [{ image, kind: PHOTO, drawn: "as it is", source, box, file: digestOfPhoto(photo), digest: digestOf(image.data) }];
}

/**
 * The image files of a crop.
 *
 * @returns {Promise<{crop: Uint8Array, thumbnail: Uint8Array}>} PNG of artwork and JPEG of photos; JPEG.
 */
export async function pictures({ image, kind }) {
  const small = Math.max(1, Math.round(Math.min(THUMBNAIL, image.width)));
  const crop = await encoded(image, kind === ARTWORK ? "image/png" : "image/jpeg");
  return { crop, thumbnail: await encoded(resize(image, small, small), "image/jpeg") };
}

/** A file of a crop, as it gives it back: ImageData. */
export function decoded(bytes) {
  return decodeWithAlpha(new Blob([bytes]));
}

/** Draws a mark on light and dark: yields how it was drawn, and a square picture of at most 320 px. */
function* drawings(given, name) {
  const ground = isOpaque(given.data) ? plainGround(given) : undefined;
  const opaque = ground === undefined && isOpaque(given.data);
  if (opaque) return yield ["as it is", kept(square(given, wholeBox(given), 1))];
  const lifted = ground === undefined ? given : withoutGround(given, ground);
  const mark = cutOut(lifted);
  const nothing = new UnreadablePhotograph(`${name}: shows nothing: it is transparent, or of one colour, all over.`);
  if (!mark) throw nothing;
  const ink = inked(mark);
  const ways =
    ground === undefined
      ? [["own colours on light", mark.colours, mark.opacity, LIGHT], ["own colours on dark", mark.colours, mark.opacity, DARK]]
      : [["as it is", mark.colours, new Float32Array(mark.opacity.length).fill(1), ground]];
  if (ink.reduce((sum, share) => sum + share, 0) < PATCH * ink.length) {
    ways.push([BLACK, 0, ink, LIGHT], [WHITE, 255, ink, DARK]);
  }
  let shown = false;
  for (const [how, colours, opacity, behind] of ways) {
    const image = on(mark, colours, opacity, behind);
    if (!differs(image, SEEN)) continue;
    shown = true;
    yield [how, kept(image)];
  }
  if (!shown) throw nothing;
}

/** The crop at the size at which it is kept. */
function kept(image) {
  return image.width <= KEPT ? image : resize(image, KEPT, KEPT);
}

/** Whether the px of a picture differ by so much in some colour. */
function differs({ data }, least) {
  for (let channel = 0; channel < 3; channel++) {
    let [lowest, highest] = [255, 0];
    for (let at = channel; at < data.length; at += 3) {
      if (data[at] < lowest) lowest = data[at];
      if (data[at] > highest) highest = data[at];
    }
    if (highest - lowest >= least) return true;
  }
  return false;
}

/** The colour on which an opaque picture stands, by the px along its edge; undefined where they differ. */
function plainGround({ width, height, data }) {
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) edge.push(y * width, y * width + width - 1);
  const ground = [0, 1, 2].map((channel) => percentile(Float32Array.from(edge, (at) => data[at * 4 + channel]), 50));
  const differences = (at) => ground.map((level, channel) => Math.abs(data[at * 4 + channel] - level));
  const away = Float32Array.from(edge, (at) => Math.max(...differences(at)));
  // Most of them: something may touch the edge.
  return percentile(away, 98) <= PLAIN ? ground : undefined;
}

/** RGBA of an opaque picture whose plain ground becomes transparent. */
function withoutGround({ width, height, data }, ground) {
  const made = data.slice();
  const levels = ground.map(Math.trunc);
  for (let at = 0; at < made.length; at += 4) {
    let away = 0;
    for (let channel = 0; channel < 3; channel++) away = Math.max(away, Math.abs(data[at + channel] - levels[channel]));
    // Half opaque between what noise does and what is seen.
    made[at + 3] = Math.trunc(Math.min(Math.max((away - PLAIN) * (255 / SEEN), 0), 255));
  }
  return { width, height, data: made };
}

/** The part of a picture that shows something: its RGB bytes and opacity, 0..1; undefined where nothing does. */
function cutOut({ width, height, data }) {
  let [top, left, bottom, right] = [height, width, -1, -1];
  for (let y = 0, at = 3; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      if (data[at] < OPAQUE) continue;
      [top, bottom] = [Math.min(top, y), y];
      [left, right] = [Math.min(left, x), Math.max(right, x)];
    }
  }
  if (bottom < 0) return undefined;
  const [rows, columns] = [bottom + 1 - top, right + 1 - left];
  const opacity = new Float32Array(rows * columns);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, to++) opacity[to] = data[((top + y) * width + left + x) * 4 + 3] / 255;
  }
  const colours = part(picture({ width, height, data }), top, left, rows, columns).data;
  return { width: columns, height: rows, colours, opacity };
}

/** How much ink each px gets where the mark is printed in one colour: dark parts are the ink, light ones the ground. */
function inked({ colours, opacity }) {
  const lightness = new Float32Array(opacity.length);
  for (let at = 0; at < lightness.length; at++) {
    lightness[at] = 0.299 * colours[at * 3] + 0.587 * colours[at * 3 + 1] + 0.114 * colours[at * 3 + 2];
  }
  const visible = lightness.filter((_, at) => opacity[at] > 0.5);
  const [darkest, lightest] = visible.length ? [percentile(visible, 2), percentile(visible, 98)] : [0, 0];
  if (lightest - darkest < SEEN) return opacity;
  const share = (value) => Math.min(Math.max((lightest - value) / (lightest - darkest), 0), 1);
  return opacity.map((value, at) => value * share(lightness[at]));
}

/** A mark on a ground of one colour or grey level, in the middle of its square. `colours` are RGB bytes, or one grey level. */
function on({ width, height }, colours, opacity, ground) {
  const side = Math.max(1, even(CONTEXT * Math.max(height, width)));
  const data = new Uint8Array(side * side * 3);
  const behind = typeof ground === "number" ? [ground, ground, ground] : ground;
  for (let at = 0; at < data.length; at++) data[at] = even(behind[at % 3]);
  const [top, left] = [Math.floor((side - height) / 2), Math.floor((side - width) / 2)];
  for (let y = 0, from = 0; y < height; y++) {
    let to = ((top + y) * side + left) * 3;
    for (let x = 0; x < width; x++, from++) {
      for (let channel = 0; channel < 3; channel++, to++) {
        const colour = typeof colours === "number" ? colours : colours[from * 3 + channel];
        const added = Math.fround(Math.fround(colour - behind[channel]) * opacity[from]);
        data[to] = even(Math.fround(behind[channel] + added));
      }
    }
  }
  return { width: side, height: side, data, step: 3 };
}

/** A percentile as numpy's, between two values a share of both. Sorts the values. */
function percentile(values, percent) {
  values.sort();
  const place = (percent / 100) * (values.length - 1);
  const [below, above] = [values[Math.floor(place)], values[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** What tells a crop or a photo from others: 32 hexadecimal digits of its bytes. */
function digestOf(bytes) {
  return bytesToHex(blake2b(bytes, { dkLen: 16 }));
}

/** The digest of what a photo of a picture shows. */
function digestOfPhoto({ width, height, data }) {
  const shown = { width, height, data: data.slice() };
  if (!isOpaque(shown.data)) putOnGround(shown.data);
  return digestOf(part(picture(shown), 0, 0, height, width).data);
}

async function encoded({ width, height, data }, type) {
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    image.data.set([data[from], data[from + 1], data[from + 2], 255], to);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type, quality: QUALITY })).arrayBuffer());
}
