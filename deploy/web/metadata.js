/** What a model file says of itself: class names, image size, preprocessing. The counterpart of logo_keras/edge/model_file.py. */

import { PREPROCESSINGS } from "./preprocessing.js";
import { entries } from "./zip.js";

const NAME = "logo_keras.json";
const EXPORT = "write one from a .keras file with logo-export-tflite or logo-export-onnx";

// onnx.proto: ModelProto.metadata_props, a list of StringStringEntryProto {key = 1, value = 2}.
const METADATA_PROPS = 14;

/** A refusal that a user can read: what came, and what to do. */
export class Refused extends Error {}

/**
 * Reads the metadata of a model file.
 *
 * @param {Uint8Array} bytes the whole file.
 * @param {string} name names the file in errors.
 * @returns {{format: "tflite" | "onnx", class_names: string[], image_size: number, preprocessing: string, model: string,
 *     version: string, dimensions?: number, num_regions?: number, region_size?: number, background_vectors?: string,
 *     threshold?: number}} of an embedder and a detector `class_names` is empty and `dimensions` is there, of a detector
 *     `num_regions` and `region_size` too; `background_vectors` are base64 of little-endian float16, `dimensions` numbers a
 *     vector. `threshold` of a file that names brands is the lowest probability of the likeliest with which it counts as known.
 * @throws {Refused} if it is neither a TFLite nor an ONNX file, was cut short, or does not carry logo_keras's metadata.
 */
export function read(bytes, name) {
  if (!bytes.length) throw new Refused(`${name}: the file is empty: copy it again or export the model again.`);
  const format = String.fromCharCode(...bytes.subarray(4, 8)) === "TFL3" ? "tflite" : "onnx";
  let json;
  try {
    json = format === "tflite" ? zipped(bytes) : property(bytes);
  } catch {
    // A field or an offset that leads out of the file, or bytes that are no text.
    json = undefined;
  }
  if (json === undefined && format === "onnx") {
    throw new Refused(`${name}: neither a TFLite file nor a whole ONNX file of logo_keras; ${EXPORT}.`);
  }
  if (json === undefined) {
    throw new Refused(
      `${name}: no metadata of logo_keras at the end of this TFLite file. It was cut short, or another program wrote it: ` +
        `copy it again, or ${EXPORT}.`,
    );
  }
  return { ...checked(json, name), format };
}

function checked(json, name) {
  let said;
  try {
    said = JSON.parse(json);
  } catch {
    throw new Refused(`${name}: damaged metadata: copy the file again or export the model again.`);
  }
  const { class_names: names, image_size: size, preprocessing, version, dimensions, threshold } = said ?? {};
  const complete = Array.isArray(names) && (names.length > 0 || Number.isInteger(dimensions));
  const named = complete && names.every((item) => typeof item === "string");
  if (!named || !Number.isInteger(size) || size < 1) {
    throw new Refused(`${name}: damaged metadata: class_names or image_size is missing; export the model again.`);
  }
  const least = typeof threshold === "number" && threshold > 0 && threshold < 1;
  if (names.length && !(least || (threshold ?? null) === null)) {
    throw new Refused(`${name}: damaged metadata: threshold must lie between 0 and 1; export the model again.`);
  }
  if (!PREPROCESSINGS.includes(preprocessing)) {
    throw new Refused(
      `${name}: asks for the preprocessing ${JSON.stringify(preprocessing)}, but this page knows ` +
        `${PREPROCESSINGS.join(", ")}: take the page of logo_keras ${version}, which wrote the file, or a later one.`,
    );
  }
  return said;
}

/** The metadata in the zip behind a TFLite model, or undefined. They are stored, not deflated. */
function zipped(bytes) {
  const found = entries(bytes)?.get(NAME);
  return found?.stored ? text(found.bytes) : undefined;
}

/**
 * The background vectors of an embedder or a detector.
 *
 * @returns {Float32Array[]} of length 1; none where the file has none.
 * @throws {RangeError} if they are no such vectors.
 */
export function backgrounds({ background_vectors: packed, dimensions }) {
  if (packed === undefined || packed === null) return [];
  const letters = atob(packed);
  const values = Float32Array.from({ length: letters.length / 2 }, (_, index) =>
    half(letters.charCodeAt(2 * index) | (letters.charCodeAt(2 * index + 1) << 8)),
  );
  if (!values.length || values.length % dimensions) throw new RangeError("background_vectors of another size");
  const rows = Array.from({ length: values.length / dimensions }, (_, row) =>
    values.subarray(row * dimensions, (row + 1) * dimensions),
  );
  return rows.map(unit);
}

/** The same vector with length 1: Float32Array. */
export function unit(vector) {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

/** A number of 16 bits. Source: IEEE 754, binary16. */
function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

/** The metadata in an ONNX file's metadata_props, or undefined. */
function property(bytes) {
  for (const [field, entry] of fields(bytes)) {
    if (field !== METADATA_PROPS) continue;
    const pair = new Map(fields(entry));
    if (pair.has(1) && pair.has(2) && text(pair.get(1)) === NAME) return text(pair.get(2));
  }
  return undefined;
}

/** The fields of a protobuf message that hold bytes, as [number, bytes]; RangeError where the message is broken. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    // Not shifts, which end at 32 bits: a model may be larger.
    for (let value = 0, place = 1; at < bytes.length; place *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
    throw new RangeError("cut short");
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new RangeError(`wire type ${kind}`);
    if (at > bytes.length) throw new RangeError("cut short");
  }
}

function text(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
