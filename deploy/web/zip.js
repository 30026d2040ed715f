/** Zip files without compression, in memory: read, also behind something else, and written. Source: APPNOTE 6.3.10. */

// Sections 4.3.7, 4.3.12 and 4.3.16: signatures and lengths in bytes.
const LOCAL = 0x04034b50;
const LOCAL_LENGTH = 30;
const CENTRAL = 0x02014b50;
const CENTRAL_LENGTH = 46;
const END = 0x06054b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
// 4.4.2 and 4.4.3: made on a Unix, by and for programs of version 2.0. 4.4.15: an ordinary file, rw-r--r--.
const MADE_BY = 0x0314;
const VERSION = 20;
const ORDINARY = (0o644 << 16) >>> 0;
// 1 January 1980, the first day that a zip can name: the same content gives the same bytes.
const DAY = 0x0021;
// An extra field that fills a local header up. Source: Android's zipalign.
const FILLING = 0xd935;
// Bytes. Arrays begin at a multiple, as numpy aligns them.
const ALIGNMENT = 64;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** The checksum of bytes that a zip keeps. */
export function crc32(bytes) {
  let value = -1;
  for (let at = 0; at < bytes.length; at++) value = (value >>> 8) ^ CRC[(value ^ bytes[at]) & 255];
  return (value ^ -1) >>> 0;
}

/**
 * The entries of a zip, which may stand behind something else.
 *
 * @param {Uint8Array} bytes the whole file.
 * @returns {Map<string, {bytes: Uint8Array, crc: number, stored: boolean}> | undefined} by name, their bytes as they are stored;
 *     undefined where there is no zip.
 * @throws {RangeError} if an offset leads out of the file.
 */
export function entries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const earliest = Math.max(0, bytes.length - END_LENGTH - LONGEST_COMMENT);
  for (let end = bytes.length - END_LENGTH; end >= earliest; end--) {
    if (view.getUint32(end, true) === END) return listed(view, bytes, end);
  }
  return undefined;
}

function listed(view, bytes, end) {
  const [length, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  // Of more than 65,535 entries another record stands between the list and the end.
  let at = end - length;
  if (length && (at < 0 || view.getUint32(at, true) !== CENTRAL)) at = offset;
  // Where the zip was written by itself and appended later, its offsets count from its own beginning.
  const shift = at - offset;
  const found = new Map();
  while (at + CENTRAL_LENGTH <= end && view.getUint32(at, true) === CENTRAL) {
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL_LENGTH, at + CENTRAL_LENGTH + nameLength));
    const local = view.getUint32(at + 42, true) + shift;
    const start = local + LOCAL_LENGTH + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const size = view.getUint32(at + 20, true);
    if (start + size > bytes.length) throw new RangeError("cut short");
    const stored = view.getUint16(at + 10, true) === 0;
    found.set(name, { bytes: bytes.subarray(start, start + size), crc: view.getUint32(at + 16, true), stored });
    at += CENTRAL_LENGTH + nameLength + extra + comment;
  }
  return found;
}

/**
 * Writes a zip without compression. Entries whose name ends in .npy begin at a multiple of 64 bytes.
 *
 * @param {[string, Uint8Array][]} files names in ASCII, and what they hold.
 * @returns {Blob}
 * @throws {RangeError} if there are more than 65,535 files or 4 GiB.
 */
export function zipped(files) {
  const [written, list] = [[], []];
  let at = 0;
  for (const [name, bytes] of files) {
    const letters = new TextEncoder().encode(name);
    const begin = at + LOCAL_LENGTH + letters.length;
    const extra = name.endsWith(".npy") ? 4 + ((ALIGNMENT - ((begin + 4) % ALIGNMENT)) % ALIGNMENT) : 0;
    const sizes = [crc32(bytes), bytes.length, bytes.length];
    // Version, flags, method and time stand in both headers alike.
    const local = record(LOCAL_LENGTH, [[4, LOCAL], [2, VERSION], [2, 0], [2, 0], [2, 0], [2, DAY],
      ...sizes.map((size) => [4, size]), [2, letters.length], [2, extra]]);
    const filling = new Uint8Array(extra);
    if (extra) filling.set(record(4, [[2, FILLING], [2, extra - 4]]));
    const central = record(CENTRAL_LENGTH, [[4, CENTRAL], [2, MADE_BY], [2, VERSION], [2, 0], [2, 0], [2, 0], [2, DAY],
      ...sizes.map((size) => [4, size]), [2, letters.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, ORDINARY], [4, at]]);
    written.push(local, letters, filling, bytes);
    list.push(central, letters);
    at = begin + extra + bytes.length;
  }
  const length = list.reduce((sum, each) => sum + each.length, 0);
  if (files.length > 0xffff || at + length > 0xffffffff) throw new RangeError("more than a zip of this page can hold");
  const end = record(END_LENGTH, [[4, END], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, at], [2, 0]]);
  return new Blob([...written, ...list, end]);
}

function record(length, numbers) {
  const view = new DataView(new ArrayBuffer(length));
  let at = 0;
  for (const [bytes, value] of numbers) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}
