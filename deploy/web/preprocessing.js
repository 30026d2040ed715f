/**
 * From a photograph to what a model reads, pixel for pixel as logo_keras/image/preprocessing.py does it.
 *
 * A browser's own scaling differs from one browser to the next, so it is not used. The arithmetic is that of OpenCV, whose
 * rounding is part of it (modules/imgproc/src/resize.cpp, INTER_AREA and INTER_LINEAR on 8-bit pixels).
 *
 * A picture is {width, height, data, step}: `step` bytes a pixel, of which the first three are RGB.
 */

export const PREPROCESSINGS = ["stretch", "paper"];
// Yang et al. 2018, arXiv:1809.00287, and their code: 600 px and 448 px.
const PAPER = 600 / 448;
// A canvas needs 4 bytes a pixel beside the decoded photograph; more than this and a tab of today runs out of memory.
const MAX_PIXELS = 100_000_000;

/** A file, or a frame, that cannot be read as a photograph; the message says why. */
export class UnreadablePhotograph extends Error {}

/**
 * Decodes a photograph: upright by its EXIF orientation, colours as stored, what is transparent on its ground.
 *
 * @param {Blob | HTMLVideoElement | ImageBitmap} source
 * @returns {Promise<ImageData>} opaque.
 * @throws {UnreadablePhotograph}
 */
export async function decode(source) {
  const image = await decodeWithAlpha(source);
  if (!isOpaque(image.data)) putOnGround(image.data);
  return image;
}

/**
 * Decodes a picture as `decode` does, and keeps its transparency.
 *
 * @param {Blob | HTMLVideoElement | HTMLImageElement | ImageBitmap} source
 * @returns {Promise<ImageData>}
 * @throws {UnreadablePhotograph}
 */
export async function decodeWithAlpha(source) {
  let bitmap;
  try {
    // Anything but "none" changes stored values: by an ICC profile, or by multiplying by alpha and dividing again.
    const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
    bitmap = await createImageBitmap(source, options);
  } catch {
    const name = source.name || "This";
    const kind = source.size === 0 ? "the file is empty" : "not an image that this browser can read, or a damaged one";
    throw new UnreadablePhotograph(`${name}: ${kind}. Take a JPEG, PNG, WebP, GIF, BMP or AVIF file.`);
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) {
      const limit = `at most ${MAX_PIXELS / 1e6} million are read`;
      throw new UnreadablePhotograph(`${source.name || "This"}: too large: ${width} x ${height} px, ${limit}.`);
    }
    const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    canvas.drawImage(bitmap, 0, 0);
    const image = canvas.getImageData(0, 0, width, height);
    if (!isOpaque(image.data)) {
      // A canvas keeps colours multiplied by alpha, which rounds those of nearly clear pixels; a texture does not. Without
      // WebGL they stay rounded.
      const stored = texture(bitmap);
      if (stored) image.data.set(stored);
    }
    return image;
  } finally {
    bitmap.close();
  }
}

/** Whether nothing of RGBA bytes is transparent. */
export function isOpaque(data) {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false;
  return true;
}

/**
 * Puts RGBA bytes on their ground, in place, as logo_keras/image/transparency.py does: white, or grey where what is visible is
 * nearly white and would vanish.
 */
export function putOnGround(data) {
  // Whole numbers below 2 ** 53, so exact.
  let lightness = 0;
  let opacity = 0;
  for (let at = 0; at < data.length; at += 4) {
    lightness += data[at + 3] * (299 * data[at] + 587 * data[at + 1] + 114 * data[at + 2]);
    opacity += data[at + 3];
  }
  const ground = lightness > 224 * 1000 * opacity ? 128 : 255;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    for (let channel = at; channel < at + 3; channel++) {
      data[channel] = Math.floor((data[channel] * alpha + ground * (255 - alpha) + 127) / 255);
    }
    data[at + 3] = 255;
  }
}

/** RGBA bytes of a bitmap as they are stored, or undefined where there is no WebGL or it does not take this size. */
function texture(bitmap) {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return undefined;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  const bound = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, bound, 0);
  const pixels = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const failed = gl.getError() !== gl.NO_ERROR;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return failed ? undefined : pixels;
}

/**
 * Says where in the stretched photograph a model's image lies.
 *
 * @returns {{side: number, offset: number}} px: the whole photograph is stretched to side x side, of which the model reads
 *     the size x size whose corner lies at (offset, offset).
 */
export function frame(preprocessing, size) {
  const side = preprocessing === "paper" ? even(size * PAPER) : size;
  return { side, offset: Math.floor((side - size) / 2) };
}

/** The square that a model reads of a decoded photograph: RGB bytes [size, size, 3]. */
export function fit(image, size, preprocessing) {
  const { side, offset } = frame(preprocessing, size);
  return part(resize(picture(image), side, side), offset, offset, size, size).data;
}

/**
 * Makes the square that a detector reads of a picture, which keeps its shape: beyond its shorter sides its outermost pixels go
 * on.
 *
 * @returns {{data: Uint8Array, place: number[]}} RGB bytes [size, size, 3], and (y0, x0, y1, x1), px of it: where the picture
 *     lies.
 */
export function letterbox(image, size, preprocessing) {
  const { side, offset } = frame(preprocessing, size);
  const longest = Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map((length) =>
    Math.max(1, Math.floor((2 * length * side + longest) / (2 * longest))),
  );
  const [top, left] = [Math.floor((side - height) / 2), Math.floor((side - width) / 2)];
  const beyond = [top, side - height - top, left, side - width - left];
  const square = continued(resize(picture(image), width, height), beyond);
  const place = [top, left, top + height, left + width].map((corner) => corner - offset);
  return { data: part(square, offset, offset, size, size).data, place };
}

/** A decoded photograph, or what is a picture already, as a picture. */
export function picture({ width, height, data, step = 4 }) {
  return { width, height, data, step };
}

/** A part of a picture, which lies inside it; a copy of RGB, but for the whole of what is RGB. */
export function part({ width, height, data, step }, top, left, rows, columns) {
  if (step === 3 && rows === height && columns === width) return { width, height, data, step };
  const cut = new Uint8Array(rows * columns * 3);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0, at = ((top + y) * width + left) * step; x < columns; x++, at += step, to += 3) {
      for (let channel = 0; channel < 3; channel++) cut[to + channel] = data[at + channel];
    }
  }
  return { width: columns, height: rows, data: cut, step: 3 };
}

/** A picture whose outermost pixels go on: so many px above, below, to the left and to the right. */
export function continued({ width, height, data, step }, [above, below, before, behind]) {
  const [columns, rows] = [before + width + behind, above + height + below];
  const made = new Uint8Array(rows * columns * 3);
  for (let y = 0, to = 0; y < rows; y++) {
    const row = Math.min(Math.max(y - above, 0), height - 1) * width;
    for (let x = 0; x < columns; x++, to += 3) {
      const at = (row + Math.min(Math.max(x - before, 0), width - 1)) * step;
      for (let channel = 0; channel < 3; channel++) made[to + channel] = data[at + channel];
    }
  }
  return { width: columns, height: rows, data: made, step: 3 };
}

/** Stretches a picture: per axis, area average where it shrinks, bilinear where it grows. */
export function resize(picture, toWidth, toHeight) {
  const [width, height] = [Math.min(picture.width, toWidth), Math.min(picture.height, toHeight)];
  if (width !== picture.width || height !== picture.height) picture = average(picture, width, height);
  if (width !== toWidth || height !== toHeight) picture = interpolate(picture, toWidth, toHeight);
  return part(picture, 0, 0, toHeight, toWidth);
}

/** The area average; no axis grows. */
function average(picture, width, height) {
  const [across, down] = [1 / (width / picture.width), 1 / (height / picture.height)];
  const [columns, rows] = [Math.round(across), Math.round(down)];
  if (Math.abs(across - columns) < Number.EPSILON && Math.abs(down - rows) < Number.EPSILON) {
    return averageOfWholePixels(picture, width, height, columns, rows);
  }
  const [xs, ys] = [shares(picture.width, width), shares(picture.height, height)];
  const length = width * 3;
  const [line, sum, data] = [new Float32Array(length), new Float32Array(length), new Uint8Array(length * height)];
  let read = -1;
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    for (const [row, share] of ys[y]) {
      // The last row of one average is often the first of the next.
      if (row !== read) averageLine(picture, row, xs, line);
      read = row;
      // Rounded to 32 bits after each step, as OpenCV computes.
      for (let i = 0; i < length; i++) sum[i] += Math.fround(share * line[i]);
    }
    for (let i = 0; i < length; i++) data[y * length + i] = even(sum[i]);
  }
  return { width, height, data, step: 3 };
}

function averageLine(picture, row, xs, line) {
  const { data, step, width } = picture;
  for (let x = 0; x < xs.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (const [column, share] of xs[x]) {
      const at = (row * width + column) * step;
      red = Math.fround(red + Math.fround(share * data[at]));
      green = Math.fround(green + Math.fround(share * data[at + 1]));
      blue = Math.fround(blue + Math.fround(share * data[at + 2]));
    }
    line[x * 3] = red;
    line[x * 3 + 1] = green;
    line[x * 3 + 2] = blue;
  }
}

/** Of every target pixel of one axis the source pixels it covers, each with its share of the average. */
function shares(source, target) {
  const scale = 1 / (target / source);
  return Array.from({ length: target }, (_, index) => {
    const [start, end] = [index * scale, index * scale + scale];
    const covered = Math.min(scale, source - start);
    const last = Math.min(Math.floor(end), source - 1);
    const first = Math.min(Math.ceil(start), last);
    const entries = [];
    // OpenCV leaves out slivers below a thousandth of a pixel.
    if (first - start > 1e-3) entries.push([first - 1, Math.fround((first - start) / covered)]);
    for (let pixel = first; pixel < last; pixel++) entries.push([pixel, Math.fround(1 / covered)]);
    if (end - last > 1e-3) entries.push([last, Math.fround(Math.min(end - last, 1, covered) / covered)]);
    return entries;
  });
}

function averageOfWholePixels(picture, width, height, columns, rows) {
  const share = Math.fround(1 / (columns * rows));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++, to++) {
        let sum = 0;
        for (let row = y * rows; row < (y + 1) * rows; row++) {
          let at = (row * picture.width + x * columns) * picture.step + channel;
          for (let column = 0; column < columns; column++, at += picture.step) sum += picture.data[at];
        }
        // Four pixels OpenCV averages in whole numbers, where halves are rounded up.
        data[to] = columns === 2 && rows === 2 ? (sum + 2) >> 2 : even(Math.fround(Math.fround(sum) * share));
      }
    }
  }
  return { width, height, data, step: 3 };
}

/** Bilinear, in OpenCV's whole numbers; no axis shrinks. */
function interpolate(picture, width, height) {
  const { data, step } = picture;
  const [xs, ys] = [neighbours(picture.width, width, true), neighbours(picture.height, height, false)];
  const lines = Array.from({ length: picture.height }, (_, row) => {
    const line = new Int32Array(width * 3);
    for (let x = 0, to = 0; x < width; x++) {
      const [left, right, near, far] = xs[x];
      const [from, next] = [(row * picture.width + left) * step, (row * picture.width + right) * step];
      for (let channel = 0; channel < 3; channel++, to++) line[to] = data[from + channel] * near + data[next + channel] * far;
    }
    return line;
  });
  const result = new Uint8Array(width * height * 3);
  let to = 0;
  for (const [top, bottom, near, far] of ys) {
    const [upper, lower] = [lines[top], lines[bottom]];
    for (let i = 0; i < width * 3; i++, to++) {
      result[to] = (((near * (upper[i] >> 4)) >> 16) + ((far * (lower[i] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return { width, height, data: result, step: 3 };
}

/** Of every target pixel of one axis its two source pixels and their weights in 2048ths. */
function neighbours(source, target, clamped) {
  const scale = 1 / (target / source);
  return Array.from({ length: target }, (_, index) => {
    const at = Math.fround((index + 0.5) * scale - 0.5);
    let first = Math.floor(at);
    let part = Math.fround(at - first);
    // At the border OpenCV gives one column the whole weight, but mixes a row with itself, which rounds otherwise.
    if (clamped && (first < 0 || first >= source - 1)) part = 0;
    const second = Math.min(Math.max(first + 1, 0), source - 1);
    first = Math.min(Math.max(first, 0), source - 1);
    return [first, second, even(Math.fround(Math.fround(1 - part) * 2048)), even(Math.fround(part * 2048))];
  });
}

/** Rounds a number, halves to the even neighbour, as OpenCV and Python do. */
export function even(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
