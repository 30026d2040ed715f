/** SVG, drawn by the browser from a copy without scripts and links. The counterpart of logo_keras/image/svg.py. */

import { UnreadablePhotograph } from "./preprocessing.js";

const SVG = "http://www.w3.org/2000/svg";

// As in Python.
const MAX_BYTES = 8 * 2 ** 20;
const ELEMENTS = 200_000;
const NARROWEST = 64;
const LEFT_OUT = new Set(
  ("script handler listener foreignobject iframe object embed audio video canvas animate animatecolor animatemotion " +
    "animatetransform set mpath discard metadata title desc").split(" "),
);
const PICTURE = /^data:image\/(png|jpe?g|gif|webp);base64,/;
const FETCHED = /@import[^;]*;?|url\(\s*(?!['"]?\s*#)[^)]*(?:\)|$)/gi;
const LENGTH = /^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|em|ex|q)?\s*$/i;
const UNITS = { px: 1, pt: 4 / 3, pc: 16, mm: 96 / 25.4, cm: 96 / 2.54, in: 96, em: 16, ex: 8, q: 96 / 101.6 };

/** Whether the bytes of a file look like an SVG: text in whose first kilobytes an `svg` element begins. */
export function isSvg(bytes) {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 2 ** 16)).replaceAll("\0", "");
  return /<(\w+:)?svg[\s>/]/.test(text) && !/^(\x89PNG|\xff\xd8|RIFF|GIF8)/.test(text);
}

/**
 * Draws an SVG. No font of this device is used, since the same file must give the same mark everywhere.
 *
 * @param {Uint8Array} bytes of the file.
 * @param {number} side px, longer side of the drawing.
 * @param {string} name names the file in errors.
 * @returns {Promise<ImageData>}
 * @throws {UnreadablePhotograph} if it is no SVG, too large, has text or a size without area, or draws nothing.
 */
export async function draw(bytes, side, name) {
  const refuse = (reason) => {
    throw new UnreadablePhotograph(`${name}: ${reason}.`);
  };
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) refuse("compressed SVG: unpack it first");
  if (bytes.length > MAX_BYTES) refuse(`too large: at most ${MAX_BYTES / 2 ** 20} MiB are read of an SVG`);
  const root = parsed(bytes);
  if (root?.localName !== "svg") refuse("not an SVG, or damaged");
  const elements = [...root.querySelectorAll("*")];
  if (elements.length > ELEMENTS) refuse(`more than ${ELEMENTS} elements`);
  for (const element of elements) if (LEFT_OUT.has(element.localName.toLowerCase())) element.remove();
  if ([...root.querySelectorAll("text")].some((element) => element.textContent.trim())) {
    refuse("has text, which looks different with every font: turn it into paths (Inkscape: Object to Path)");
  }
  for (const element of [root, ...root.querySelectorAll("*")]) clean(element);
  const stated = size(root);
  if (!stated) refuse("states no size: give the svg element a viewBox");
  const [width, height] = stated;
  if (!(width > 0 && height > 0 && Number.isFinite(width + height))) refuse(`its size is ${width} x ${height}`);
  if (Math.max(width, height) > NARROWEST * Math.min(width, height)) {
    refuse(`its size is ${width} x ${height}, more than ${NARROWEST} times as long as wide`);
  }
  const scale = side / Math.max(width, height);
  const sides = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  for (const [place, name] of ["width", "height"].entries()) root.setAttribute(name, sides[place]);
  // Drawn as an image it runs no scripts and fetches nothing, whatever was left in it.
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(root)], { type: "image/svg+xml" }));
  try {
    const image = Object.assign(new Image(), { src: url });
    await image.decode().catch(() => refuse("not an SVG that this browser can draw"));
    const canvas = new OffscreenCanvas(...sides).getContext("2d");
    canvas.drawImage(image, 0, 0, ...sides);
    const drawn = canvas.getImageData(0, 0, ...sides);
    if (drawn.data.every((value, at) => at % 4 !== 3 || !value)) refuse("draws nothing: no shape in it is visible");
    return drawn;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The outermost element of an SVG, or undefined where it is damaged. */
function parsed(bytes) {
  // UTF-16 names itself by its first two bytes.
  const coding = { "255,254": "utf-16le", "254,255": "utf-16be" }[`${bytes.subarray(0, 2)}`] ?? "utf-8";
  const text = new TextDecoder(coding).decode(bytes);
  const parse = (xml) => new DOMParser().parseFromString(xml, "image/svg+xml");
  const found = parse(text);
  if (found.querySelector("parsererror")) return undefined;
  if (found.documentElement.namespaceURI === SVG) return found.documentElement;
  // Nothing is drawn without its name space, and files written by hand lack it.
  return parse(text.replace("<svg", `<svg xmlns="${SVG}"`)).documentElement;
}

/** Takes from an element what runs or fetches. */
function clean(element) {
  if (element.localName === "style") element.textContent = element.textContent.replace(FETCHED, "none");
  for (const { name, localName, value } of [...element.attributes]) {
    const link = ["href", "src"].includes(localName.toLowerCase());
    const safe = link ? value.trim().startsWith("#") || PICTURE.test(value.trim()) : !/^on|^xml:base$/i.test(name);
    if (!safe) element.removeAttribute(name);
    else if (!link && FETCHED.test(value)) element.setAttribute(name, value.replace(FETCHED, "none"));
    // It remembers where it was.
    FETCHED.lastIndex = 0;
  }
}

/** The size that the outermost element states, or undefined; one that states no viewBox gets it. */
function size(root) {
  const box = (root.getAttribute("viewBox") ?? "").split(/[\s,]+/).filter(Boolean).map(Number);
  const stated = ["width", "height"].map((name) => {
    const found = LENGTH.exec(root.getAttribute(name) ?? "");
    return found ? Number(found[1]) * UNITS[(found[2] ?? "px").toLowerCase()] : undefined;
  });
  // A viewBox with a width of 0 is not drawn, whatever its viewBox.
  if (stated.some((length) => length <= 0)) return stated.map((length) => length ?? 0);
  if (box.length === 4) return box.slice(2);
  if (stated.includes(undefined)) return undefined;
  root.setAttribute("viewBox", `0 0 ${stated[0]} ${stated[1]}`);
  return stated;
}
