// Writes docs/OPS.md, the reference of all ops, from the op table. With --check it writes nothing and exits with 1 where
// the file is not what it would write, with 2 where it cannot tell.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const path = 'docs/OPS.md';
const opFolder = 'src/kernels/ops';

/** Stands in for the SIMD kernels, which only run on a device, so that a tree that was never built can be documented. */
const noWasm = {
  name: 'no-wasm',
  setup(bundler) {
    bundler.onResolve({ filter: /\.wasm$/ }, (file) => ({ path: file.path, namespace: 'no-wasm' }));
    bundler.onLoad({ filter: /.*/, namespace: 'no-wasm' }, () => ({
      contents: new Uint8Array(),
      loader: 'binary',
    }));
  },
};

/** The op table, and a Map from an op's name to the file that defines it. */
async function loadOps() {
  const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-docs-'));
  const paths = readdirSync(opFolder).map((file) => `${opFolder}/${file}`);
  const modules = paths.map((path, index) => `export * as module${index} from './${path}';`);
  try {
    const outfile = join(folder, 'ops.mjs');
    await build({
      stdin: {
        contents: `export { opTable } from './src/kernels/op-table.ts';\n${modules.join('\n')}`,
        resolveDir: '.',
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      loader: { '.wgsl': 'text', '.wasm': 'binary' },
      plugins: [noWasm],
      logLevel: 'warning',
    });
    const { opTable, ...exported } = await import(pathToFileURL(outfile).href);
    const files = new Map();
    for (const [index, path] of paths.entries()) {
      const values = Object.values(exported[`module${index}`]);
      // A file exports an op, or several under their names.
      for (const op of [...values, ...values.flatMap((value) => Object.values(value ?? {}))]) {
        if (opTable[op?.name] === op) files.set(op.name, path);
      }
    }
    return { opTable, files };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The kinds of adapter that variants are chosen for, with the limits that every WebGPU adapter has. */
const kinds = [
  { cpuLike: false, features: new Set(), subgroupSize: 0 },
  { cpuLike: true, features: new Set(), subgroupSize: 0 },
  { cpuLike: true, features: new Set(['subgroups']), subgroupSize: 8 },
];
const adapters = kinds.map((kind) => ({
  ...kind,
  vendor: '',
  architecture: '',
  description: '',
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxBufferBytes: 2 ** 27,
}));

/** Placement of an output that has its memory to itself. */
function dense({ shape }) {
  return { stride: shape.at(-1) ?? 1, offset: 0 };
}

/** Names of all variants and shader files that the samples of an op reach. */
function reach(definition, samples) {
  const variants = new Set();
  const shaders = new Set();
  if (definition.view) return { variants, shaders };
  for (const { inputs, attributes } of samples) {
    for (const adapter of adapters) {
      const outputs = definition.infer(inputs, attributes);
      const call = { inputs, outputs, attributes, adapter, placement: dense(outputs[0]) };
      for (const variant of definition.variants?.(call) ?? ['default']) {
        variants.add(variant);
        for (const { shader, hooks = [] } of definition.wgsl(call, variant)) {
          for (const { name } of [shader, ...hooks])
            if (existsSync(`shaders/${name}.wgsl`)) shaders.add(name);
        }
      }
    }
  }
  return { variants, shaders };
}

/** Whether any of the samples runs on a SIMD kernel; none is run here. */
function hasSimd(definition, samples) {
  return samples.some(({ inputs: inputSpecs, attributes }) => {
    const outputSpecs = definition.infer(inputSpecs, attributes);
    const nowhere = (specs) => specs.map(() => 0);
    const [inputs, outputs] = [inputSpecs, outputSpecs].map(nowhere);
    return definition.simd?.({
      inputs,
      inputSpecs,
      outputs,
      outputSpecs,
      attributes,
      placement: dense(outputSpecs[0]),
      threads: 1,
      scratch: () => 0,
      run: () => {},
    });
  });
}

function row(name, definition, file) {
  const samples = definition.samples();
  const { variants, shaders } = reach(definition, samples);
  const cells = [
    `[${name}](../${file})`,
    definition.summary,
    definition.gradient === 'none' ? 'none' : 'yes',
    [...shaders]
      .sort()
      .map((shader) => `[${shader}](../shaders/${shader}.wgsl)`)
      .join(', ') || '–',
    [...variants].sort().join(', ') || '–',
    hasSimd(definition, samples) ? 'yes' : 'no',
    String(samples.length),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

async function reference() {
  const { opTable: table, files } = await loadOps();
  const names = Object.keys(table).sort((a, b) => a.localeCompare(b, 'en'));
  const rows = names.map((name) => row(name, table[name], files.get(name)));
  return `# The ops

All ${names.length} operations of the engine, written by \`node scripts/docs.mjs\` from the op table; do not edit this file by hand.
[CONTRIBUTING.md](../CONTRIBUTING.md) says how to add one.

Tensors are row-major; images are NHWC (batch, height, width, channels). \`x [M, N] -> [N]\` reads: the input x of shape
[M, N] gives an output of shape [N].

- **Gradient**: whether autograd can go through the op. \`none\` is a decision, not a gap that fails later: asking for it
  throws \`UnsupportedError\`.
- **Shaders** and **Variants**: the WGSL that runs on WebGPU. Of several variants the one that suits the call and the
  adapter is chosen; the tests run every one. A view has none: it only renames the shape.
- **SIMD**: whether the CPU device has a WebAssembly kernel for the op besides the plain TypeScript one.
- **Samples**: the inputs on which the tests compare all of these with each other.

| Op | Computes | Gradient | Shaders | Variants | SIMD | Samples |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

async function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const text = await reference();
  if (!values.check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is stale: run \`node scripts/docs.mjs\``);
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  console.error(`docs: ${error.message}`);
  process.exitCode = 2;
}
