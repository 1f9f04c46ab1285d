// Hook of gemm.wgsl and gemm-tiled.wgsl for a convolution: `a` is the image [N, H, W, C], a row an output pixel. A
// segment is a tap of the kernel, or a whole line of taps where they lie side by side and none can be in the padding.
const GUARDED: bool = false;

struct Params {
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: u32,
  outputWidth: u32,
  segmentsPerLine: u32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
}

@group(1) @binding(0) var<uniform> params: Params;

// Pixel of the first tap, which may lie in the padding, and where the image begins.
struct Row {
  y: i32,
  x: i32,
  image: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  let line = row / params.outputWidth;
  let image = line / params.outputHeight;
  return Row(
    i32(line % params.outputHeight) * params.strideY - params.paddingTop,
    i32(row % params.outputWidth) * params.strideX - params.paddingLeft,
    i32(image) * params.height * params.width * params.channels,
  );
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  let y = row.y + i32(segment / params.segmentsPerLine) * params.dilationY;
  let x = row.x + i32(segment % params.segmentsPerLine) * params.dilationX;
  let inside = y >= 0 && y < params.height && x >= 0 && x < params.width;
  let start = row.image + (y * params.width + x) * params.channels;
  return select(start, -1, GUARDED && !inside);
}
