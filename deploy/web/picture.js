/** The photograph on the page: its regions drawn on it, and each region cut out. */

// Okabe and Ito 2008, colours that also the colour-blind tell apart: best region first. As in logo_keras/image/draw.py.
const COLORS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00"];
const DARK = "#1b1f24";
// px of the canvas; the page shows it smaller.
const LONGER_SIDE = 1280;
const LINE = 6;
const CHIP = 40;
const CUT = 192;

/** The colour of a region by its rank, 0 the best. */
export function color(rank) {
  return COLORS[rank % COLORS.length];
}

/**
 * Draws a photograph and the boxes on it.
 *
 * @param {HTMLCanvasElement} canvas gets the photograph's shape.
 * @param {ImageBitmap} photo
 * @param {number[][]} boxes (y0, x0, y1, x1) px of the photograph, best region first.
 * @param {string[]} [captions] what is written on each box; its number where there is none.
 */
export function draw(canvas, photo, boxes, captions = []) {
  const scale = LONGER_SIDE / Math.max(photo.width, photo.height);
  canvas.width = Math.max(1, Math.round(photo.width * scale));
  canvas.height = Math.max(1, Math.round(photo.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  context.lineWidth = LINE;
  context.font = `600 ${CHIP * 0.7}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const inside = (value, end) => Math.min(Math.max(value, LINE / 2), end - LINE / 2);
  // The best region on top. Sides outside the photograph run along its edge, so that every box is seen whole.
  for (let rank = boxes.length - 1; rank >= 0; rank--) {
    const [y0, x0, y1, x1] = boxes[rank].map((edge) => edge * scale);
    const [left, right] = [inside(x0, canvas.width), inside(x1, canvas.width)];
    const [top, bottom] = [inside(y0, canvas.height), inside(y1, canvas.height)];
    context.strokeStyle = color(rank);
    context.strokeRect(left, top, right - left, bottom - top);
    const caption = captions[rank] ?? `${rank + 1}`;
    const chip = Math.max(CHIP, context.measureText(caption).width + CHIP / 2);
    const [x, y] = [Math.max(Math.min(left, canvas.width - chip), 0), Math.min(top, canvas.height - CHIP)];
    context.fillStyle = color(rank);
    context.fillRect(x, y, chip, CHIP);
    context.fillStyle = DARK;
    context.fillText(caption, x + chip / 2, y + CHIP / 2);
  }
}

/** A region cut out of the photograph, as a canvas; grey where it reaches beyond it. */
export function cut(photo, [y0, x0, y1, x1]) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = CUT;
  const context = canvas.getContext("2d");
  context.fillStyle = "#7f7f7f";
  context.fillRect(0, 0, CUT, CUT);
  context.imageSmoothingQuality = "high";
  const [across, down] = [CUT / (x1 - x0), CUT / (y1 - y0)];
  context.drawImage(photo, -x0 * across, -y0 * down, photo.width * across, photo.height * down);
  return canvas;
}
