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
      if (maximum) largestOf(corner, rowBytes, rows, columns, channels, y);
      else meanOf(corner, rowBytes, rows, columns, channels, y);
      y += step;
    }
  }
}

function largestOf(corner: usize, rowBytes: usize, rows: i32, columns: i32, channels: i32, y: usize): void {
  const pixelBytes = (<usize>channels) << 2;
  for (; channels >= 4; channels -= 4) {
    let most = f32x4.splat(-Infinity);
    for (let row = 0; row < rows; row++) {
      let pixel = corner + <usize>row * rowBytes;
      for (let column = 0; column < columns; column++) {
        most = f32x4.pmax(most, v128.load(pixel));
        pixel += pixelBytes;
      }
    }
    v128.store(y, most);
    corner += 16;
    y += 16;
  }
  for (; channels > 0; channels--) {
    let most: f32 = -Infinity;
    for (let row = 0; row < rows; row++) {
      let pixel = corner + <usize>row * rowBytes;
      for (let column = 0; column < columns; column++) {
        const value = load<f32>(pixel);
        if (value > most) most = value;
        pixel += pixelBytes;
      }
    }
    store<f32>(y, most);
    corner += 4;
    y += 4;
  }
}

function meanOf(corner: usize, rowBytes: usize, rows: i32, columns: i32, channels: i32, y: usize): void {
  const pixelBytes = (<usize>channels) << 2;
  const count = <f32>(rows * columns);
  for (; channels >= 4; channels -= 4) {
    let sum = f32x4.splat(0);
    for (let row = 0; row < rows; row++) {
      let pixel = corner + <usize>row * rowBytes;
      for (let column = 0; column < columns; column++) {
        sum = f32x4.add(sum, v128.load(pixel));
        pixel += pixelBytes;
      }
    }
    v128.store(y, f32x4.div(sum, f32x4.splat(count)));
    corner += 16;
    y += 16;
  }
  for (; channels > 0; channels--) {
    let sum: f32 = 0;
    for (let row = 0; row < rows; row++) {
      let pixel = corner + <usize>row * rowBytes;
      for (let column = 0; column < columns; column++) {
        sum += load<f32>(pixel);
        pixel += pixelBytes;
      }
    }
    store<f32>(y, sum / count);
    corner += 4;
    y += 4;
  }
}
