import { setImage, setWindows, spreadImage } from './image-operand';
import { setGathered, setMatrix } from './left-operand';
import { interleaveRows } from './pack';
import { multiply, productScratch } from './product';

/** A window of one pixel that skips none: the convolution is a plain product of [pixels, channels] and the kernel. */
function pointwise(kernelHeight: i32, kernelWidth: i32, strideY: i32, strideX: i32): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && strideY === 1 && strideX === 1;
}

/**
 * y[batch, outputHeight, outputWidth, outputs] = activation(x ∗ kernel + bias), as a product whose left matrix is
 * gathered from x [batch, height, width, channels] while it is packed. y's pixels lie `yStride` floats apart. `scratch`
 * holds productScratch(outputs) bytes and then kernelWidth · channels floats.
 */
export function conv2d(
  x: usize,
  kernel: usize,
  bias: usize,
  y: usize,
  yStride: i32,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
  activation: i32,
  scratch: usize,
): void {
  const rows = batch * outputHeight * outputWidth;
  const depth = kernelHeight * kernelWidth * channels;
  if (pointwise(kernelHeight, kernelWidth, strideY, strideX)) setMatrix(x, channels, false, rows);
  else {
    setImage(x, height, width, channels, scratch + <usize>productScratch(outputs));
    setWindows(
      batch,
      outputHeight,
      outputWidth,
      kernelHeight,
      kernelWidth,
      strideY,
      strideX,
      paddingTop,
      paddingLeft,
      dilationY,
      dilationX,
    );
    setGathered(false);
  }
  multiply(kernel, outputs, false, bias, y, yStride, rows, outputs, depth, activation, false, scratch);
}

/**
 * Gradient of the convolution with respect to its kernel: windows of x, transposed, times g [batch, outputHeight,
 * outputWidth, outputs]. `scratch` as for {@link conv2d}.
 */
export function conv2dGradientKernel(
  x: usize,
  g: usize,
  kernelGradient: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
  scratch: usize,
): void {
  const rows = kernelHeight * kernelWidth * channels;
  const depth = batch * outputHeight * outputWidth;
  if (pointwise(kernelHeight, kernelWidth, strideY, strideX)) setMatrix(x, channels, true, rows);
  else {
    setImage(x, height, width, channels, scratch + <usize>productScratch(outputs));
    setWindows(
      batch,
      outputHeight,
      outputWidth,
      kernelHeight,
      kernelWidth,
      strideY,
      strideX,
      paddingTop,
      paddingLeft,
      dilationY,
      dilationX,
    );
    setGathered(true);
  }
  multiply(g, outputs, false, 0, kernelGradient, outputs, rows, outputs, depth, 0, false, scratch);
}

/**
 * Gradient of the convolution with respect to its input: a convolution of g, spread apart by the strides, with the
 * kernel turned round and its channels and outputs exchanged. With strides, most of what it multiplies are zeros.
 * `scratch` holds productScratch(channels) bytes, then kernelWidth · outputs floats, then as many as the kernel has.
 */
export function conv2dGradientInput(
  g: usize,
  kernel: usize,
  inputGradient: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
  scratch: usize,
): void {
  const rows = batch * height * width;
  if (pointwise(kernelHeight, kernelWidth, strideY, strideX)) {
    setMatrix(g, outputs, false, rows);
    multiply(kernel, outputs, true, 0, inputGradient, channels, rows, channels, outputs, 0, false, scratch);
    return;
  }
  const zeros = scratch + <usize>productScratch(channels);
  const exchanged = zeros + ((<usize>kernelWidth * outputs) << 2);
  exchangeChannels(exchanged, kernel, kernelHeight * kernelWidth, channels, outputs);
  setImage(g, outputHeight, outputWidth, outputs, zeros);
  spreadImage(strideY, strideX);
  setWindows(
    batch,
    height,
    width,
    kernelHeight,
    kernelWidth,
    1,
    1,
    -paddingTop,
    -paddingLeft,
    -dilationY,
    -dilationX,
  );
  setGathered(false);
  const depth = kernelHeight * kernelWidth * outputs;
  multiply(exchanged, channels, false, 0, inputGradient, channels, rows, channels, depth, 0, false, scratch);
}

/** [taps, channels, outputs] → [taps, outputs, channels]. */
function exchangeChannels(target: usize, kernel: usize, taps: i32, channels: i32, outputs: i32): void {
  const from = (<usize>outputs) << 2;
  const to = (<usize>channels) << 2;
  for (let tap = 0; tap < taps; tap++) {
    let channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      const row = kernel + <usize>channel * from;
      const column = target + ((<usize>channel) << 2);
      interleaveRows(column, to, row, row + from, row + 2 * from, row + 3 * from, outputs);
    }
    for (; channel < channels; channel++) {
      for (let output = 0; output < outputs; output++) {
        const value = load<f32>(kernel + <usize>channel * from + ((<usize>output) << 2));
        store<f32>(target + <usize>output * to + ((<usize>channel) << 2), value);
      }
    }
    kernel += <usize>channels * from;
    target += <usize>outputs * to;
  }
}
