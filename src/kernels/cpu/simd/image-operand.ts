import { interleaveRows } from './pack';

/** What {@link packPixels} and {@link packTaps} read: an image batch [n, height, width, channels] and its windows. */
let origin: usize = 0;
let imageHeight: i32 = 0;
let imageWidth: i32 = 0;
let channels: i32 = 0;
let kernelWidth: i32 = 0;
let windowCount: i32 = 0;
let tapCount: i32 = 0;
let windowRows: i32 = 0;
let windowColumns: i32 = 0;
let strideY: i32 = 0;
let strideX: i32 = 0;
let paddingTop: i32 = 0;
let paddingLeft: i32 = 0;
let dilationY: i32 = 0;
let dilationX: i32 = 0;
let spacingY: i32 = 1;
let spacingX: i32 = 1;
/** kernelWidth · channels zeros, read in place of pixels outside the image. */
let zeros: usize = 0;

/** The image, and the memory of kernelWidth · channels floats that is to stand for its outside. */
export function setImage(x: usize, height: i32, width: i32, depth: i32, spare: usize): void {
  origin = x;
  imageHeight = height;
  imageWidth = width;
  channels = depth;
  spacingY = 1;
  spacingX = 1;
  zeros = spare;
}

/** Reads the image as if spread apart, with spacing − 1 rows and columns of zeros between its own. After setImage. */
export function spreadImage(vertical: i32, horizontal: i32): void {
  spacingY = vertical;
  spacingX = horizontal;
}

/**
 * `rows` × `columns` windows on each of `batch` images, of kernelHeight × kernelWidth taps; window (oy, ox) sees in tap
 * (ky, kx) the pixel (oy·strideY − top + ky·dilationY, ox·strideX − left + kx·dilationX). Dilations may be negative.
 */
export function setWindows(
  batch: i32,
  rows: i32,
  columns: i32,
  height: i32,
  width: i32,
  verticalStride: i32,
  horizontalStride: i32,
  top: i32,
  left: i32,
  verticalDilation: i32,
  horizontalDilation: i32,
): void {
  windowCount = batch * rows * columns;
  windowRows = rows;
  windowColumns = columns;
  kernelWidth = width;
  tapCount = height * width * channels;
  strideY = verticalStride;
  strideX = horizontalStride;
  paddingTop = top;
  paddingLeft = left;
  dilationY = verticalDilation;
  dilationX = horizontalDilation;
  memory.fill(zeros, 0, (<usize>width * channels) << 2);
}

function pixelAddress(image: usize, y: i32, x: i32, offset: usize): usize {
  if (spacingY !== 1 || spacingX !== 1) {
    if (y % spacingY !== 0 || x % spacingX !== 0) return zeros;
    y /= spacingY;
    x /= spacingX;
  }
  const inside = <u32>y < <u32>imageHeight && <u32>x < <u32>imageWidth;
  return inside ? image + ((<usize>(y * imageWidth + x) * channels) << 2) + offset : zeros;
}

/** A panel [depth, 4] of four windows from `row`, over the taps from `from`; windows past the end repeat the last. */
export function packPixels(target: usize, row: i32, from: i32, depth: i32): void {
  const imageBytes = (<usize>imageHeight * imageWidth * channels) << 2;
  const area = windowRows * windowColumns;
  const last = windowCount - 1;

  const p0 = min(row, last);
  const p1 = min(row + 1, last);
  const p2 = min(row + 2, last);
  const p3 = min(row + 3, last);
  const n0 = p0 / area;
  const n1 = p1 / area;
  const n2 = p2 / area;
  const n3 = p3 / area;
  const y0 = ((p0 - n0 * area) / windowColumns) * strideY - paddingTop;
  const y1 = ((p1 - n1 * area) / windowColumns) * strideY - paddingTop;
  const y2 = ((p2 - n2 * area) / windowColumns) * strideY - paddingTop;
  const y3 = ((p3 - n3 * area) / windowColumns) * strideY - paddingTop;
  const x0 = (p0 % windowColumns) * strideX - paddingLeft;
  const x1 = (p1 % windowColumns) * strideX - paddingLeft;
  const x2 = (p2 % windowColumns) * strideX - paddingLeft;
  const x3 = (p3 % windowColumns) * strideX - paddingLeft;
  const i0 = origin + <usize>n0 * imageBytes;
  const i1 = origin + <usize>n1 * imageBytes;
  const i2 = origin + <usize>n2 * imageBytes;
  const i3 = origin + <usize>n3 * imageBytes;

  // Where no window sticks out sideways, a row of the kernel is one contiguous run of the image.
  const least = min(min(x0, x1), min(x2, x3));
  const most = max(max(x0, x1), max(x2, x3));
  const wholeRows = dilationX === 1 && spacingX === 1 && least >= 0 && most + kernelWidth <= imageWidth;

  const end = from + depth;
  let k = from;
  while (k < end) {
    const tap = k / channels;
    const channel = k - tap * channels;
    const ky = tap / kernelWidth;
    const kx = tap - ky * kernelWidth;
    const run = min((wholeRows ? kernelWidth - kx : 1) * channels - channel, end - k);
    const dy = ky * dilationY;
    const dx = kx * dilationX;
    const offset = (<usize>channel) << 2;
    interleaveRows(
      target,
      16,
      pixelAddress(i0, y0 + dy, x0 + dx, offset),
      pixelAddress(i1, y1 + dy, x1 + dx, offset),
      pixelAddress(i2, y2 + dy, x2 + dx, offset),
      pixelAddress(i3, y3 + dy, x3 + dx, offset),
      run,
    );
    target += (<usize>run) << 4;
    k += run;
  }
}

/** A panel [depth, 4] of four taps from `row`, over the windows from `from`; taps past the end repeat the last. */
export function packTaps(target: usize, row: i32, from: i32, depth: i32): void {
  const imageBytes = (<usize>imageHeight * imageWidth * channels) << 2;
  const together = row % channels <= channels - 4;
  const lanes = together ? 1 : 4;
  for (let lane = 0; lane < lanes; lane++) {
    const index = min(row + lane, tapCount - 1);
    const tap = index / channels;
    const offset = (<usize>(index - tap * channels)) << 2;
    const ky = tap / kernelWidth;
    const dy = ky * dilationY - paddingTop;
    const dx = (tap - ky * kernelWidth) * dilationX - paddingLeft;
    let ox = from % windowColumns;
    let oy = (from / windowColumns) % windowRows;
    let image = origin + <usize>(from / (windowColumns * windowRows)) * imageBytes;
    let address = target + ((<usize>lane) << 2);
    for (let step = 0; step < depth; step++) {
      const pixel = pixelAddress(image, oy * strideY + dy, ox * strideX + dx, offset);
      if (together) v128.store(address, v128.load(pixel));
      else store<f32>(address, load<f32>(pixel));
      address += 16;
      if (++ox < windowColumns) continue;
      ox = 0;
      if (++oy < windowRows) continue;
      oy = 0;
      image += imageBytes;
    }
  }
}
