// Largest element of each window over NHWC, one invocation per output Element; padding is skipped.
const WORKGROUP_SIZE: u32 = 64u;
const LOWEST: f32 = -3.4028234e38;

// One channel, or four: then `count`, `channels`, `yStride` and `yOffset` count fours.
alias Element = f32;

struct Params {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  rows: u32,
  columns: u32,
  top: u32,
  left: u32,
  windowHeight: u32,
  windowWidth: u32,
  strideHeight: u32,
  strideWidth: u32,
  // Where y's pixels lie: a pixel may be channels of a wider one.
  yStride: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let column = (index / params.channels) % params.columns;
  let row = (index / (params.channels * params.columns)) % params.rows;
  let image = index / (params.channels * params.columns * params.rows);
  // Counted from the edge of the padding, so that all stays unsigned.
  let firstRow = max(row * params.strideHeight, params.top) - params.top;
  let firstColumn = max(column * params.strideWidth, params.left) - params.left;
  let endRow = min(row * params.strideHeight + params.windowHeight - params.top, params.height);
  let endColumn = min(column * params.strideWidth + params.windowWidth - params.left, params.width);
  var largest = Element(LOWEST);
  for (var inputRow = firstRow; inputRow < endRow; inputRow++) {
    var offset = ((image * params.height + inputRow) * params.width + firstColumn) * params.channels + channel;
    for (var inputColumn = firstColumn; inputColumn < endColumn; inputColumn++) {
      largest = max(largest, x[offset]);
      offset += params.channels;
    }
  }
  y[params.yOffset + index / params.channels * params.yStride + channel] = largest;
}
