// Copies an array. Each invocation moves PER_INVOCATION vectors: neighbours of each other, as processors like it, or a whole
// grid apart, so that a GPU's neighbouring invocations read neighbouring vectors.
const WORKGROUP_SIZE: u32 = 64u;
const PER_INVOCATION: u32 = 4u;
const NEIGHBOURS: bool = false;

@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let first = select(id.x, id.x * PER_INVOCATION, NEIGHBOURS);
  let stride = select(groups.x * WORKGROUP_SIZE, 1u, NEIGHBOURS);
  for (var i = 0u; i < PER_INVOCATION; i++) {
    let at = first + i * stride;
    if (at < arrayLength(&copied)) {
      copied[at] = source[at];
    }
  }
}
