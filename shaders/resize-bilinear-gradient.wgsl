// Backward pass of bilinear resizing over NHWC, one invocation per input element: it adds the gradients of the output
// pixels that read it, by their weights.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  inputHeight: u32,
  inputWidth: u32,
  height: u32,
  width: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where a position of the output lies in the input, in pixels, as the forward pass computes it.
fn centreOf(position: u32, input: u32, output: u32) -> f32 {
  let twice = (2u * position + 1u) * input;
  let centre = f32(max(twice, output) - output) / f32(2u * output);
  return min(centre, f32(input - 1u));
}

// First and end of the output positions whose centre may lie within one pixel of the input position, one to spare.
fn readers(position: u32, input: u32, output: u32) -> vec2<u32> {
  let first = select((2u * position - 1u) * output / (2u * input), 0u, position == 0u);
  let end = (2u * position + 3u) * output / (2u * input) + 2u;
  return vec2<u32>(max(first, 1u) - 1u, select(min(end, output), output, position == input - 1u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let column = (index / params.channels) % params.inputWidth;
  let row = (index / (params.channels * params.inputWidth)) % params.inputHeight;
  let image = index / (params.channels * params.inputWidth * params.inputHeight);
  let rows = readers(row, params.inputHeight, params.height);
  let columns = readers(column, params.inputWidth, params.width);
  var sum = 0.0;
  for (var outputRow = rows.x; outputRow < rows.y; outputRow++) {
    let down = abs(centreOf(outputRow, params.inputHeight, params.height) - f32(row));
    for (var outputColumn = columns.x; outputColumn < columns.y; outputColumn++) {
      let across = abs(centreOf(outputColumn, params.inputWidth, params.width) - f32(column));
      let pixel = (image * params.height + outputRow) * params.width + outputColumn;
      sum += g[pixel * params.channels + channel] * max(1.0 - down, 0.0) * max(1.0 - across, 0.0);
    }
  }
  dx[index] = sum;
}
