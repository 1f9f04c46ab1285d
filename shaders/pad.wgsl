// y = x inside, a constant in the border. Elements move as bits, so one pipeline serves every element type.
const WORKGROUP_SIZE: u32 = 64u;
const AXES: u32 = 1u;

struct Params {
  count: u32,
  bits: u32,
  shape: array<vec4<u32>, 2>,
  before: array<vec4<u32>, 2>,
  inputShape: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  var rest = index;
  var offset = 0u;
  var stride = 1u;
  var inside = true;
  for (var left = AXES; left > 0u; left--) {
    let axis = left - 1u;
    let size = params.shape[axis / 4u][axis % 4u];
    let inputSize = params.inputShape[axis / 4u][axis % 4u];
    // Before the border's end the subtraction wraps round to a large number, which is outside too.
    let position = rest % size - params.before[axis / 4u][axis % 4u];
    inside = inside && position < inputSize;
    offset += position * stride;
    stride *= inputSize;
    rest /= size;
  }
  if (inside) {
    y[index] = x[offset];
  } else {
    y[index] = params.bits;
  }
}
