// Backward pass of average pooling over NHWC, one invocation per input element: it adds its share of the gradient of
// every window that covers it.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outputHeight: u32,
  outputWidth: u32,
  windowHeight: u32,
  windowWidth: u32,
  strideY: u32,
  strideX: u32,
  paddingTop: u32,
  paddingLeft: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Index of the first window that still covers a position counted from the edge of the padding.
fn firstWindow(position: u32, size: u32, stride: u32) -> u32 {
  return (max(position + 1u, size) - size + stride - 1u) / stride;
}

// Elements of a window that lie inside the input, along one axis.
fn covered(window: u32, size: u32, stride: u32, before: u32, length: u32) -> u32 {
  let first = max(window * stride, before) - before;
  return min(window * stride + size - before, length) - first;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let paddedColumn = (index / params.channels) % params.width + params.paddingLeft;
  let paddedRow = (index / (params.channels * params.width)) % params.height + params.paddingTop;
  let image = index / (params.channels * params.width * params.height);
  let endRow = min(paddedRow / params.strideY + 1u, params.outputHeight);
  let endColumn = min(paddedColumn / params.strideX + 1u, params.outputWidth);
  var sum = 0.0;
  for (var row = firstWindow(paddedRow, params.windowHeight, params.strideY); row < endRow; row++) {
    let tall = covered(row, params.windowHeight, params.strideY, params.paddingTop, params.height);
    for (var column = firstWindow(paddedColumn, params.windowWidth, params.strideX); column < endColumn; column++) {
      let wide = covered(column, params.windowWidth, params.strideX, params.paddingLeft, params.width);
      let window = ((image * params.outputHeight + row) * params.outputWidth + column) * params.channels + channel;
      sum += g[window] / f32(tall * wide);
    }
  }
  dx[index] = sum;
}
