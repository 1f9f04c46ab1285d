/** What is done to the pixels of a window, as classes without fields: the loops are compiled once for each, free of branches. */
@unmanaged
class Largest {
  first(): v128 {
    return f32x4.splat(-Infinity);
  }

  join(result: v128, pixel: v128): v128 {
    return f32x4.pmax(result, pixel);
  }

  finish(result: v128, _count: v128): v128 {
    return result;
  }
}

@unmanaged
class Mean {
  first(): v128 {
    return f32x4.splat(0);
  }

  join(result: v128, pixel: v128): v128 {
    return f32x4.add(result, pixel);
  }

  finish(result: v128, count: v128): v128 {
    return f32x4.div(result, count);
  }
}

/**
 * Largest element (`maximum`) or mean of each window of x [batch, height, width, channels], over the pixels inside the
 * image: y [batch, outputHeight, outputWidth, channels], its pixels `yStride` floats apart, of which the lines
 * from … to, counted over all images, are computed. Takes the arguments of a convolution; windows have no dilation.
 */
export function pool(
  x: usize,
  y: usize,
  yStride: i32,
  maximum: boolean,
  _batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  windowHeight: i32,
  windowWidth: i32,
  _outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  _dilationY: i32,
  _dilationX: i32,
  from: i32,
  to: i32,
): void {
  const pixelBytes = (<usize>channels) << 2;
  const rowBytes = <usize>width * pixelBytes;
  const step = (<usize>yStride) << 2;
  y += <usize>from * outputWidth * step;
  for (let line = from; line < to; line++) {
    const image = line / outputHeight;
    const top = (line - image * outputHeight) * strideY - paddingTop;
    const firstRow = max(0, top);
    const rows = min(height, top + windowHeight) - firstRow;
    const start = x + <usize>(image * height + firstRow) * rowBytes;
    for (let column = 0; column < outputWidth; column++) {
      const left = column * strideX - paddingLeft;
      const firstColumn = max(0, left);
      const columns = min(width, left + windowWidth) - firstColumn;
      const corner = start + <usize>firstColumn * pixelBytes;
      if (maximum) reduceWindow<Largest>(corner, rowBytes, rows, columns, channels, y);
      else reduceWindow<Mean>(corner, rowBytes, rows, columns, channels, y);
      y += step;
    }
  }
}

/**
 * One window of `channels` channels into y. Sixteen channels at a time: a cache line of each pixel, and a quarter of the
 * turns of the loops over the window, which are short.
 */
function reduceWindow<T>(
  corner: usize,
  rowBytes: usize,
  rows: i32,
  columns: i32,
  channels: i32,
  y: usize,
): void {
  const operation = changetype<T>(0);
  const pixelBytes = (<usize>channels) << 2;
  const count = f32x4.splat(<f32>(rows * columns));
  const end = corner + <usize>rows * rowBytes;
  const width = <usize>columns * pixelBytes;
  for (; channels >= 16; channels -= 16) {
    let r0 = operation.first();
    let r1 = r0;
    let r2 = r0;
    let r3 = r0;
    for (let row = corner; row < end; row += rowBytes) {
      for (let pixel = row; pixel < row + width; pixel += pixelBytes) {
        r0 = operation.join(r0, v128.load(pixel));
        r1 = operation.join(r1, v128.load(pixel, 16));
        r2 = operation.join(r2, v128.load(pixel, 32));
        r3 = operation.join(r3, v128.load(pixel, 48));
      }
    }
    v128.store(y, operation.finish(r0, count));
    v128.store(y, operation.finish(r1, count), 16);
    v128.store(y, operation.finish(r2, count), 32);
    v128.store(y, operation.finish(r3, count), 48);
    corner += 64;
    y += 64;
  }
  for (; channels >= 4; channels -= 4) {
    let result = operation.first();
    for (let row = corner; row < end; row += rowBytes) {
      for (let pixel = row; pixel < row + width; pixel += pixelBytes) {
        result = operation.join(result, v128.load(pixel));
      }
    }
    v128.store(y, operation.finish(result, count));
    corner += 16;
    y += 16;
  }
  for (; channels > 0; channels--) {
    let result = operation.first();
    for (let row = corner; row < end; row += rowBytes) {
      for (let pixel = row; pixel < row + width; pixel += pixelBytes) {
        result = operation.join(result, v128.load32_zero(pixel));
      }
    }
    v128.store32_lane(y, operation.finish(result, count), 0);
    corner += 4;
    y += 4;
  }
}
