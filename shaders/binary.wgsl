// y = operation(a, b) with broadcasting: both are read through strides over the axes of y, 0 where repeated.
const WORKGROUP_SIZE: u32 = 64u;
const AXES: u32 = 1u;
alias Element = f32;

struct Params {
  count: u32,
  shape: array<vec4<u32>, 2>,
  aStrides: array<vec4<u32>, 2>,
  bStrides: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> a: array<Element>;
@group(0) @binding(1) var<storage, read> b: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> params: Params;

fn operation(a: Element, b: Element) -> Element {
  return a + b;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  var rest = index;
  var aOffset = 0u;
  var bOffset = 0u;
  for (var axis = AXES - 1u; axis > 0u; axis--) {
    let size = params.shape[axis / 4u][axis % 4u];
    let position = rest % size;
    rest /= size;
    aOffset += position * params.aStrides[axis / 4u][axis % 4u];
    bOffset += position * params.bStrides[axis / 4u][axis % 4u];
  }
  aOffset += rest * params.aStrides[0].x;
  bOffset += rest * params.bStrides[0].x;
  y[index] = operation(a[aOffset], b[bOffset]);
}
