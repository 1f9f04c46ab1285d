// One invocation for each of `size` elements of an output; the hook `element` computes it.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  size: u32,
}

@group(1) @binding(0) var<uniform> params: Params;

fn element(index: u32) {
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index < params.size) {
    element(index);
  }
}
