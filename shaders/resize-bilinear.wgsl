// Bilinear interpolation over NHWC between half-pixel centres, clamped at the edges.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  inputHeight: u32,
  inputWidth: u32,
  height: u32,
  width: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Where a position of the output lies in the input, in pixels. The fraction is exact in integers, so that rounding
// cannot put an edge pixel on the wrong side.
fn centreOf(position: u32, input: u32, output: u32) -> f32 {
  let twice = (2u * position + 1u) * input;
  let centre = f32(max(twice, output) - output) / f32(2u * output);
  return min(centre, f32(input - 1u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  let column = centreOf((index / params.channels) % params.width, params.inputWidth, params.width);
  let row = centreOf((index / (params.channels * params.width)) % params.height, params.inputHeight, params.height);
  let image = index / (params.channels * params.width * params.height);
  let top = u32(row);
  let left = u32(column);
  let bottom = min(top + 1u, params.inputHeight - 1u);
  let right = min(left + 1u, params.inputWidth - 1u);
  let upperRow = (image * params.inputHeight + top) * params.inputWidth;
  let lowerRow = (image * params.inputHeight + bottom) * params.inputWidth;
  let across = column - f32(left);
  let upper = mix(x[(upperRow + left) * params.channels + channel], x[(upperRow + right) * params.channels + channel], across);
  let lower = mix(x[(lowerRow + left) * params.channels + channel], x[(lowerRow + right) * params.channels + channel], across);
  y[index] = mix(upper, lower, row - f32(top));
}
