// y = x in another element type; towards zero for integers, which is how WGSL converts.
const WORKGROUP_SIZE: u32 = 64u;
alias From = f32;
alias To = i32;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<From>;
@group(0) @binding(1) var<storage, read_write> y: array<To>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  y[index] = To(x[index]);
}
