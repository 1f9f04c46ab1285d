// Backward pass of max pooling over NHWC, one invocation per input element: it adds the gradients of the windows in
// which it is the first maximum. Reading instead of scattering keeps the sum deterministic without atomics.
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

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Index of the first window that still covers a position counted from the edge of the padding.
fn firstWindow(position: u32, size: u32, stride: u32) -> u32 {
  return (max(position + 1u, size) - size + stride - 1u) / stride;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let column = (index / params.channels) % params.width;
  let row = (index / (params.channels * params.width)) % params.height;
  let image = index / (params.channels * params.width * params.height);
  let paddedRow = row + params.paddingTop;
  let paddedColumn = column + params.paddingLeft;
  let endRow = min(paddedRow / params.strideY + 1u, params.outputHeight);
  let endColumn = min(paddedColumn / params.strideX + 1u, params.outputWidth);
  let value = x[index];
  var sum = 0.0;
  for (var windowRow = firstWindow(paddedRow, params.windowHeight, params.strideY); windowRow < endRow; windowRow++) {
    for (var windowColumn = firstWindow(paddedColumn, params.windowWidth, params.strideX); windowColumn < endColumn; windowColumn++) {
      let window = ((image * params.outputHeight + windowRow) * params.outputWidth + windowColumn) * params.channels + channel;
      if (y[window] != value) {
        continue;
      }
      // Elements of the window that come before this one must be smaller.
      let top = max(windowRow * params.strideY, params.paddingTop) - params.paddingTop;
      let left = max(windowColumn * params.strideX, params.paddingLeft) - params.paddingLeft;
      let right = min(windowColumn * params.strideX + params.windowWidth - params.paddingLeft, params.width);
      var first = true;
      for (var otherRow = top; otherRow <= row; otherRow++) {
        let end = select(right, column, otherRow == row);
        for (var otherColumn = left; otherColumn < end; otherColumn++) {
          let other = ((image * params.height + otherRow) * params.width + otherColumn) * params.channels + channel;
          first = first && x[other] != value;
        }
      }
      if (first) {
        sum += g[window];
      }
    }
  }
  dx[index] = sum;
}
