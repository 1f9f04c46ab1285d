import type { AttentionMaps } from './captioner.ts';

/** Dark violet over red to light yellow: rising lightness, so that it reads without colours too. */
const colours = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
];

/** For each pixel along an edge, the four places whose weights it mixes by a cubic B-spline, and how much of each. */
function taps(pixels: number, { side, first, step }: Omit<AttentionMaps, 'weights'>): [number, number][][] {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = ((pixel + 0.5) / pixels - first) / step;
    const place = Math.floor(at);
    const t = at - place;
    const parts = [(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1, t ** 3];
    return parts.map((part, k) => [Math.min(side - 1, Math.max(0, place - 1 + k)), part / 6]);
  });
}

/**
 * Draws where a word looked on a square canvas that lies stretched over the picture: bright where it looked most, on a scale
 * of the word's own. Smooth, and never above or below the weights themselves.
 *
 *     const { attention } = await captioner.caption(image, { attention: true });
 *     drawHeatMap(canvas, attention, attention.weights[0]);
 */
export function drawHeatMap(
  canvas: HTMLCanvasElement,
  grid: Omit<AttentionMaps, 'weights'>,
  weights: Float32Array,
): void {
  const size = canvas.width;
  const along = taps(size, grid);
  const values = new Float32Array(size * size);
  let most = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let value = 0;
      for (const [row, up] of along[y]) {
        for (const [column, across] of along[x]) value += up * across * weights[row * grid.side + column];
      }
      values[y * size + x] = value;
      most = Math.max(most, value);
    }
  }
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const picture = context.createImageData(size, size);
  for (const [pixel, value] of values.entries()) {
    const part = most > 0 ? value / most : 0;
    const place = Math.min(colours.length - 2, Math.floor(part * (colours.length - 1)));
    const t = part * (colours.length - 1) - place;
    for (let c = 0; c < 3; c++) {
      picture.data[4 * pixel + c] = (1 - t) * colours[place][c] + t * colours[place + 1][c];
    }
    picture.data[4 * pixel + 3] = 255 * (0.45 + 0.3 * part);
  }
  context.putImageData(picture, 0, 0);
}
