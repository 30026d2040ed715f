/** The filter with which a detector's file makes images smaller, and the other way. The counterpart of logo_keras/image/triangle.py. */

/**
 * Makes the image that a detector's file shrinks to another one before it embeds the whole.
 *
 * @param {Uint8Array} image RGB [size, size, 3], what is to be embedded.
 * @param {number} size px.
 * @param {number} length px, of the file's images; at least `size`.
 * @returns {Float32Array} RGB [length, length, 3]; below 0 or above 255 in places.
 */
export function widened(image, size, length) {
  const weights = widening(size, length);
  const rows = new Float64Array(length * size * 3);
  for (let y = 0; y < length; y++) {
    for (let row = 0; row < size; row++) {
      const weight = weights[y * size + row];
      for (let at = 0, to = y * size * 3, from = row * size * 3; at < size * 3; at++) rows[to + at] += weight * image[from + at];
    }
  }
  const made = new Float32Array(length * length * 3);
  for (let y = 0, to = 0; y < length; y++) {
    for (let x = 0; x < length; x++, to += 3) {
      let [red, green, blue] = [0, 0, 0];
      for (let column = 0, from = y * size * 3; column < size; column++, from += 3) {
        const weight = weights[x * size + column];
        red += weight * rows[from];
        green += weight * rows[from + 1];
        blue += weight * rows[from + 2];
      }
      made[to] = red;
      made[to + 1] = green;
      made[to + 2] = blue;
    }
  }
  return made;
}

const known = new Map();

/** Weights [length, size] of `size` px in `length` px, of which the filter makes the same px again: its pseudo-inverse. */
function widening(size, length) {
  const key = `${size} ${length}`;
  if (!known.has(key)) known.set(key, inverted(triangle(length, size), size, length));
  return known.get(key);
}

/** The filter of each of `size` samples at each of `length` px, [size, length], its sums being 1. */
function triangle(length, size) {
  const [step, weights] = [length / size, new Float64Array(size * length)];
  for (let sample = 0; sample < size; sample++) {
    const row = weights.subarray(sample * length, (sample + 1) * length);
    for (let px = 0; px < length; px++) row[px] = Math.max(0, 1 - Math.abs((sample + 0.5) * step - 0.5 - px) / step);
    const sum = row.reduce((total, weight) => total + weight, 0);
    for (let px = 0; px < length; px++) row[px] /= sum;
  }
  return weights;
}

/** The pseudo-inverse of weights A [size, length], whose rows are independent: A' (A A')^-1, [length, size]. */
function inverted(weights, size, length) {
  const row = (number) => weights.subarray(number * length, (number + 1) * length);
  const product = (one, other) => one.reduce((sum, weight, px) => sum + weight * other[px], 0);
  // A A' = L L'. Source: Cholesky's decomposition.
  const lower = Array.from({ length: size }, () => new Float64Array(size));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = product(row(i), row(j));
      for (let k = 0; k < j; k++) rest -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(rest) : rest / lower[j][j];
    }
  }
  const made = new Float32Array(length * size);
  for (let px = 0; px < length; px++) {
    const solved = Float64Array.from({ length: size }, (_, number) => weights[number * length + px]);
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < i; k++) solved[i] -= lower[i][k] * solved[k];
      solved[i] /= lower[i][i];
    }
    for (let i = size - 1; i >= 0; i--) {
      for (let k = i + 1; k < size; k++) solved[i] -= lower[k][i] * solved[k];
      solved[i] /= lower[i][i];
    }
    made.set(solved, px * size);
  }
  return made;
}
