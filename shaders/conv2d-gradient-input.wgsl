// Hook of gemm.wgsl and gemm-tiled.wgsl for the gradient of a convolution's input: `a` is the gradient [N, H′, W′, O] of
// its output, a row an input pixel, a segment a tap of the kernel. A tap reaches the input pixel from one output pixel,
// or from none.
const GUARDED: bool = true;

struct Params {
  height: u32,
  width: u32,
  // Of the gradient, which are the outputs of the convolution.
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  segmentsPerLine: u32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
}

@group(1) @binding(0) var<uniform> params: Params;

// The padded input pixel, and where the gradient's image begins.
struct Row {
  y: i32,
  x: i32,
  image: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  let line = row / params.width;
  let image = line / params.height;
  return Row(
    i32(line % params.height) + params.paddingTop,
    i32(row % params.width) + params.paddingLeft,
    i32(image) * params.outputHeight * params.outputWidth * params.channels,
  );
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  let y = row.y - i32(segment / params.segmentsPerLine) * params.dilationY;
  let x = row.x - i32(segment % params.segmentsPerLine) * params.dilationX;
  let outputY = y / params.strideY;
  let outputX = x / params.strideX;
  let reached = y >= 0 && x >= 0 && outputY * params.strideY == y && outputX * params.strideX == x
    && outputY < params.outputHeight && outputX < params.outputWidth;
  let start = row.image + (outputY * params.outputWidth + outputX) * params.channels;
  return select(start, -1, GUARDED && !reached);
}
