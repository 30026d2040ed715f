/** The file of a gallery, which Python and this page read and write alike: logo_keras/gallery/gallery_file.py. */

import { Refused } from "./metadata.js";
import { crc32, entries, zipped } from "./zip.js";

const [FORMAT, VERSION] = ["logo_keras gallery", 1];
const [ABOUT, REFERENCES, VECTORS, BRANDS] = ["gallery.json", "references.json", "vectors.npy", "brands.npy"];
const [PROBE, BACKGROUNDS] = ["probe.npy", "background_vectors.npy"];
const COLUMNS = ["digest", "kind", "drawn", "source", "box", "file"];
const KEPT = ["embedding", "rule", "threshold", "by_hand", "thresholds", "calibration", "calibrated_on"];
const RULES = [null, "embedding", "backgrounds", "calibrated"];
// As in Python: numpy's own alignment, and by how much the length of a vector may differ from 1.
const ALIGNMENT = 64;
const ROUNDING = 1e-3;
const AGAIN = "copy it again, or take an older copy";

/**
 * Reads a gallery. All but the pictures is compared with its checksums.
 *
 * @param {Uint8Array} bytes the whole file.
 * @param {string} name names the file in errors.
 * @returns {{labels: string[], references: object[], about: object}} as `Gallery` keeps them.
 * @throws {Refused} if it is no gallery, damaged, or of a later version.
 */
export function read(bytes, name) {
  try {
    return checked(bytes, name);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`${name}: damaged (${error.message}); ${AGAIN}.`);
  }
}

function checked(bytes, name) {
  const found = entries(bytes);
  if (!found?.has(ABOUT)) throw new Refused(`${name}: no gallery, or cut short: ${AGAIN}, or make one with logo-gallery add.`);
  if ([...found.values()].some(({ stored }) => !stored)) {
    throw new Refused(`${name}: compressed by another program: a gallery is a zip without compression; take the first copy.`);
  }
  const whole = (entry) => {
    const { bytes: held, crc } = found.get(entry) ?? fail(`${entry} is missing`);
    return crc32(held) === crc ? held : fail(`${entry} is not what was written, by its checksum`);
  };
  const json = (entry) => JSON.parse(new TextDecoder().decode(whole(entry)));
  const about = json(ABOUT);
  if (about?.format !== FORMAT) throw new Refused(`${name}: no gallery of logo_keras: make one with logo-gallery add.`);
  if (about.version !== VERSION) {
    throw new Refused(
      `${name}: written by logo_keras ${about.logo_keras} in version ${about.version} of the format; this page reads version ` +
        `${VERSION}: take the page of that logo_keras.`,
    );
  }
  const labels = about.brands.map(({ label }) => label);
  const [vectors, probe] = [rows(whole(VECTORS), "<f4"), rows(whole(PROBE), "<f4")];
  const backgrounds = found.has(BACKGROUNDS) ? rows(whole(BACKGROUNDS), "<f4") : [];
  const brands = rows(whole(BRANDS), "<i4");
  const columns = json(REFERENCES);
  check(labels, brands, vectors, columns, probe, backgrounds);
  const files = new Map([...found].map(([entry, held]) => [entry.replace(/\.\w+$/, ""), held.bytes]));
  const references = Array.from(vectors, (vector, row) => ({
    label: labels[brands[row]],
    vector,
    ...Object.fromEntries(COLUMNS.map((column) => [column, columns[column][row]])),
    crop: files.get(`crops/${numbered(row)}`),
    thumbnail: files.get(`thumbnails/${numbered(row)}`),
  }));
  return { labels, references, about: { ...thresholds(about), logo_keras: about.logo_keras, probe, backgrounds } };
}

/** What gallery.json says beside the brands. */
function thresholds({ embedding, threshold, by_hand = false, thresholds: own, calibration, calibrated_on: on, rule }) {
  if (typeof embedding?.identity !== "string" || typeof embedding.name !== "string") fail("it does not name its embedding");
  // Files of older versions do not say it.
  if (rule === undefined) rule = calibration ? "calibrated" : threshold === null ? null : "backgrounds";
  const numbers = [...Object.values(own), ...(threshold === null ? [] : [threshold])];
  if (!RULES.includes(rule) || !numbers.every(Number.isFinite) || !Array.isArray(on)) fail("its thresholds are none");
  return { embedding, rule, threshold, by_hand, thresholds: new Map(Object.entries(own)), calibration, calibrated_on: on };
}

function check(labels, brands, vectors, columns, probe, backgrounds) {
  const count = vectors.length;
  const names = labels.every((label) => typeof label === "string" && label.trim());
  if (!names || new Set(labels).size !== labels.length) fail("its brands are no different names");
  const ascends = brands.every((brand, row) => brand === (brands[row - 1] ?? 0) || brand === (brands[row - 1] ?? -1) + 1);
  if (brands.length !== count || !ascends || (brands.at(-1) ?? -1) !== labels.length - 1) {
    fail("it has brands without references, or references without a brand");
  }
  if (!COLUMNS.every((column) => Array.isArray(columns[column]) && columns[column].length === count)) {
    fail("it does not say of every reference what it is");
  }
  const texts = COLUMNS.filter((column) => column !== "box");
  if (!texts.every((column) => columns[column].every((value) => typeof value === "string"))) fail("a reference has no text");
  const isBox = (box) => box === null || (Array.isArray(box) && box.length === 4 && box.every(Number.isFinite));
  if (!columns.box.every(isBox)) fail("a box is no four numbers");
  const dimensions = probe[0]?.length;
  for (const vector of [...vectors, ...probe, ...backgrounds]) {
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    if (vector.length !== dimensions || !(Math.abs(length - 1) < ROUNDING)) fail("a vector is none, or its length is not 1");
  }
}

/**
 * Writes a gallery.
 *
 * @param {string[]} labels in their order.
 * @param {object[]} references of a brand as they came.
 * @param {object} about as `read` gives it.
 * @returns {Blob}
 */
export function write(labels, references, about) {
  const number = new Map(labels.map((label, place) => [label, place]));
  const sorted = [...references].sort((one, other) => number.get(one.label) - number.get(other.label));
  const brands = labels.map((label) => ({ label, references: sorted.filter((each) => each.label === label).length }));
  const kept = Object.fromEntries(KEPT.map((key) => [key, about[key]]));
  kept.thresholds = Object.fromEntries(about.thresholds);
  const said = { format: FORMAT, version: VERSION, logo_keras: about.logo_keras, ...kept, brands };
  const columns = Object.fromEntries(COLUMNS.map((column) => [column, sorted.map((each) => each[column])]));
  const dimensions = about.probe[0].length;
  const files = [
    [ABOUT, encoded(`${JSON.stringify(said, null, 2)}\n`)],
    [REFERENCES, encoded(`${JSON.stringify(columns)}\n`)],
    [VECTORS, matrix(sorted.map(({ vector }) => vector), dimensions)],
    [BRANDS, npy("<i4", [sorted.length], Int32Array.from(sorted, ({ label }) => number.get(label)))],
    [PROBE, matrix(about.probe, dimensions)],
  ];
  if (about.backgrounds.length) files.push([BACKGROUNDS, matrix(about.backgrounds, dimensions)]);
  for (const [row, { crop, thumbnail }] of sorted.entries()) {
    if (crop) files.push([`crops/${numbered(row)}${crop[0] === 0x89 ? ".png" : ".jpg"}`, crop]);
    if (thumbnail) files.push([`thumbnails/${numbered(row)}.jpg`, thumbnail]);
  }
  return zipped(files);
}

/** The numbers of an array of one axis, or the rows of one of two, of a numpy file of version 1.0. */
function rows(bytes, type) {
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes[0] !== 0x93 || magic !== "NUMPY" || bytes[6] !== 1) fail("an array of another version of numpy's format");
  const start = 10 + (bytes[8] | (bytes[9] << 8));
  const header = String.fromCharCode(...bytes.subarray(10, start));
  const [, descr] = /'descr':\s*'([^']*)'/.exec(header) ?? [];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((each) => each.trim()).map(Number);
  const numbers = shape.reduce((product, length) => product * length, 1);
  if (descr !== type || !/'fortran_order':\s*False/.test(header) || bytes.length !== start + 4 * numbers) {
    fail("an array of another kind");
  }
  // A copy, since an array in the file may begin anywhere.
  const held = new (type === "<f4" ? Float32Array : Int32Array)(bytes.slice(start).buffer);
  if (shape.length === 1) return held;
  return Array.from({ length: shape[0] }, (_, row) => held.subarray(row * shape[1], (row + 1) * shape[1]));
}

function matrix(vectors, dimensions) {
  const numbers = new Float32Array(vectors.length * dimensions);
  for (const [row, vector] of vectors.entries()) numbers.set(vector, row * dimensions);
  return npy("<f4", [vectors.length, dimensions], numbers);
}

function npy(type, shape, numbers) {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const length = Math.ceil((10 + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(length + numbers.byteLength);
  bytes.set([0x93, ...encoded("NUMPY"), 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  bytes.set(encoded(`${header.padEnd(length - 11)}\n`), 10);
  bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), length);
  return bytes;
}

function encoded(text) {
  return new TextEncoder().encode(text);
}

function numbered(row) {
  return `${row}`.padStart(7, "0");
}

function fail(reason) {
  throw new RangeError(reason);
}
