// Windows over NHWC folded into one Element each, one invocation per Element of y; padding is not counted. As it stands it
// sums them up.
const WORKGROUP_SIZE: u32 = 64u;
const INITIAL: f32 = 0.0;

// One channel, or four: then `count`, `channels`, `yStride` and `yOffset` count fours.
alias Element = f32;

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
  // Where y's pixels lie: a pixel may be channels of a wider one.
  yStride: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> params: Params;

fn fold(folded: Element, next: Element) -> Element {
  return folded + next;
}

// Given how many pixels were folded.
fn finish(folded: Element, pixels: u32) -> Element {
  return folded;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let column = (index / params.channels) % params.outputWidth;
  let row = (index / (params.channels * params.outputWidth)) % params.outputHeight;
  let image = index / (params.channels * params.outputWidth * params.outputHeight);
  // Counted from the edge of the padding, so that all stays unsigned.
  let firstRow = max(row * params.strideY, params.paddingTop) - params.paddingTop;
  let firstColumn = max(column * params.strideX, params.paddingLeft) - params.paddingLeft;
  let endRow = min(row * params.strideY + params.windowHeight - params.paddingTop, params.height);
  let endColumn = min(column * params.strideX + params.windowWidth - params.paddingLeft, params.width);
  var folded = Element(INITIAL);
  for (var inputRow = firstRow; inputRow < endRow; inputRow++) {
    var offset = ((image * params.height + inputRow) * params.width + firstColumn) * params.channels + channel;
    for (var inputColumn = firstColumn; inputColumn < endColumn; inputColumn++) {
      folded = fold(folded, x[offset]);
      offset += params.channels;
    }
  }
  let pixels = (endRow - firstRow) * (endColumn - firstColumn);
  y[params.yOffset + index / params.channels * params.yStride + channel] = finish(folded, pixels);
}
