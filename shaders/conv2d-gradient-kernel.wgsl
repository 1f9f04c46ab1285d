// Hook of gemm.wgsl and gemm-tiled.wgsl for the gradient of a convolution's kernel: `a` is the padded image
// [N, H, W, C], a row a channel of a tap, a segment a line of output pixels, along which `a` advances by strides.
struct Params {
  height: u32,
  width: u32,
  channels: u32,
  windowWidth: u32,
  outputHeight: u32,
  strideY: u32,
  dilationY: u32,
  dilationX: u32,
}

@group(1) @binding(0) var<uniform> params: Params;

// Offset of the channel under the tap from the window's first pixel.
struct Row {
  start: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  let channel = row % params.channels;
  let tap = row / params.channels;
  let y = tap / params.windowWidth * params.dilationY;
  let x = tap % params.windowWidth * params.dilationX;
  return Row(i32((y * params.width + x) * params.channels + channel));
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  let image = segment / params.outputHeight;
  let line = image * params.height + segment % params.outputHeight * params.strideY;
  return row.start + i32(line * params.width * params.channels);
}
