/** Pixels as floating-point numbers, height × width × 3, interleaved R G B, 0 … 255. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Pixels as bytes, height × width × 3. */
interface ByteImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The image averaged down to at most `side` × `side`. A dimension that is no longer than `side` stays as it is. */
export function reduceImage(image: ByteImage, side: number): FloatImage {
  return averageDown(image, Math.min(image.width, side), Math.min(image.height, side));
}

/** The image averaged down so that its longer edge has at most `longest` pixels, its aspect ratio kept. */
export function shrinkImage(image: ByteImage, longest: number): FloatImage {
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const shrunk = (edge: number) => Math.max(1, Math.round(edge * scale));
  return averageDown(image, shrunk(image.width), shrunk(image.height));
}

/** Every new pixel is the mean of the area that it covers, parts of pixels counted by their share. */
function averageDown({ width, height, data }: ByteImage, newWidth: number, newHeight: number): FloatImage {
  const columns = shares(width, newWidth);
  const rows = shares(height, newHeight);
  const narrow = new Float64Array(columns.length * 3);
  const result = new Float32Array(rows.length * columns.length * 3);
  for (const [row, vertical] of rows.entries()) {
    const sums = result.subarray(row * columns.length * 3, (row + 1) * columns.length * 3);
    for (const [offset, weight] of vertical.weights.entries()) {
      averageRow(data, (vertical.first + offset) * width * 3, columns, narrow);
      for (let index = 0; index < narrow.length; index++) sums[index] += weight * narrow[index];
    }
  }
  return { width: columns.length, height: rows.length, data: result };
}

/** The pixels that one new pixel covers, and the share of each in it; the shares add up to 1. */
interface Cover {
  readonly first: number;
  readonly weights: readonly number[];
}

function shares(from: number, to: number): Cover[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const [begin, end] = [index * scale, (index + 1) * scale];
    const first = Math.floor(begin);
    // Rounding may put the end of the last pixel a hair beyond the image.
    const last = Math.min(from, Math.ceil(end - 1e-9));
    const weights = Array.from({ length: last - first }, (_, offset) => {
      const pixel = first + offset;
      return (Math.min(end, pixel + 1) - Math.max(begin, pixel)) / scale;
    });
    return { first, weights };
  });
}

function averageRow(data: Uint8Array, start: number, columns: readonly Cover[], into: Float64Array): void {
  let target = 0;
  for (const { first, weights } of columns) {
    let source = start + first * 3;
    let [red, green, blue] = [0, 0, 0];
    for (const weight of weights) {
      red += weight * data[source];
      green += weight * data[source + 1];
      blue += weight * data[source + 2];
      source += 3;
    }
    into[target] = red;
    into[target + 1] = green;
    into[target + 2] = blue;
    target += 3;
  }
}
