// y = x read through strides over the axes of y: slice, transpose and broadcastTo. Elements move as bits, so one
// pipeline serves every element type.
const WORKGROUP_SIZE: u32 = 64u;
const AXES: u32 = 1u;

struct Params {
  count: u32,
  offset: u32,
  shape: array<vec4<u32>, 2>,
  strides: array<vec4<u32>, 2>,
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
  var offset = params.offset;
  for (var axis = AXES - 1u; axis > 0u; axis--) {
    let size = params.shape[axis / 4u][axis % 4u];
    offset += (rest % size) * params.strides[axis / 4u][axis % 4u];
    rest /= size;
  }
  y[index] = x[offset + rest * params.strides[0].x];
}
