// Reads the import statements of the source tree and checks them against the floors of the house: a folder imports only
// from those below it, nothing goes round in a circle, and Node's modules stay where Node is.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';

/** From the bottom up. A file belongs to the first floor whose pattern its path matches. */
const floors = [
  { name: 'shaders', pattern: /^shaders\// },
  { name: 'src/kernels/cpu/simd', pattern: /^src\/kernels\/cpu\/simd\// },
  { name: 'src/kernels/op', pattern: /^src\/kernels\/op\// },
  { name: 'src/kernels/parts', pattern: /^src\/kernels\/parts\// },
  { name: 'src/kernels/gemm', pattern: /^src\/kernels\/gemm\// },
  { name: 'src/kernels/ops', pattern: /^src\/kernels\/ops\// },
  { name: 'src/kernels/profiling', pattern: /^src\/kernels\/(profiling\/|version\.ts$)/ },
  { name: 'src/kernels/device.ts', pattern: /^src\/kernels\/device\.ts$/ },
  { name: 'src/kernels/plans', pattern: /^src\/kernels\/plans\// },
  { name: 'src/kernels', pattern: /^src\/kernels\// },
  { name: 'src/tensor', pattern: /^src\/tensor\// },
  { name: 'src/nn', pattern: /^src\/nn\// },
  { name: 'src/captioner', pattern: /^src\/captioner\// },
  { name: 'src', pattern: /^src\/[^/]+$/ },
];

/** Folders that look at the floors from outside; nothing outside each of them imports from it. */
const outside = /^(bench|test|web|scripts)\//;

const nodePlaces = [
  /\.node\.ts$/,
  /^src\/captioner\/cli\//,
  /^(bench|test|scripts)\/(?!browser\/.*\.page\.ts$)/,
];

/** AssemblyScript, whose compiler wants import paths without an ending. */
const assemblyScript = /^src\/kernels\/cpu\/simd\//;

/**
 * The imports of one source as { specifier, line, typeOnly }: static ones, re-exports, `import()` of values and of types.
 * Statements are recognised at the start of a line, where the formatter puts them, so text in strings is not taken for one.
 */
export function readImports(source) {
  const blank = (text) => text.replace(/[^\n]/g, ' ');
  const code = source.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/^\s*\/\/.*$/gm, blank);
  const found = [];
  const add = (match, specifier, typeOnly) => {
    found.push({ specifier, typeOnly, line: code.slice(0, match.index).split('\n').length });
  };
  for (const match of code.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"`;=()]*?\bfrom\s*(['"])([^'"\n]+)\2/gm,
  )) {
    const names =
      /\{([^}]*)\}/
        .exec(match[0])?.[1]
        .split(',')
        .filter((name) => name.trim() !== '') ?? [];
    const allTypes = names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
    add(match, match[3], Boolean(match[1]) || (allTypes && !/^import\s+\w+\s*,/.test(match[0])));
  }
  for (const match of code.matchAll(/^import\s*(['"])([^'"\n]+)\1/gm)) add(match, match[2], false);
  // A double-quoted string that holds single quotes is text: the formatter writes specifiers with single ones.
  const withoutText = code.replace(/"(?:[^"\\\n]|\\.)*'(?:[^"\\\n]|\\.)*"/g, blank);
  for (const match of withoutText.matchAll(/(\bawait\s+)?\bimport\(\s*(['"])([^'"\n]+)\2\s*\)(\.then\b)?/g)) {
    add(match, match[3], !match[1] && !match[4] && /:\s*(typeof\s+)?$/.test(code.slice(0, match.index)));
  }
  return found.sort((a, b) => a.line - b.line);
}

/** What a specifier leads to: { files } inside the tree, or { builtin }, { package }, { missing }. */
function resolve(from, specifier, files, packageJson) {
  if (specifier.startsWith('#')) {
    const entry = packageJson.imports?.[specifier];
    const targets = typeof entry === 'string' ? [entry] : Object.values(entry ?? {});
    if (targets.length === 0) return { missing: 'is not in the "imports" of package.json' };
    return { files: targets.map((target) => posix.normalize(target)) };
  }
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier) + (assemblyScript.test(from) ? '.ts' : '');
    if (files.has(path) || /\.(wgsl|wasm|json)$/.test(path)) return { files: [path] };
    return { missing: 'is no file (write the extension, ./x.ts)' };
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (specifier.startsWith('node:') || builtinModules.includes(name)) return { builtin: true };
  return { package: name };
}

const floorOf = (path) => floors.findIndex(({ pattern }) => pattern.test(path));

/** Why `from` may not import the file `to`, or undefined. */
function forbidden(from, to) {
  const room = outside.exec(to)?.[1];
  if (room) {
    const mine = outside.exec(from)?.[1];
    // Tests check the scripts and the benchmark too, and the benchmark finds adapters as the tests do.
    const others = { test: ['scripts', 'bench'], bench: ['scripts'] };
    if (mine === room || others[mine]?.includes(room)) return undefined;
    return `nothing imports from ${room}/`;
  }
  const fromNode = nodePlaces.some((place) => place.test(from));
  if (to.endsWith('.wgsl') && !from.startsWith('src/kernels/')) return 'only src/kernels imports shaders';
  if (to.startsWith('src/captioner/cli/') && !/^(src\/captioner\/cli|test|bench)\//.test(from)) {
    return 'the command lines are the top: only they and the tests import from src/captioner/cli';
  }
  if (to.endsWith('.node.ts') && !fromNode)
    return 'import the pair by its # name, so that a browser gets the other one';
  const [low, high] = [floorOf(from), floorOf(to)];
  if (low >= 0 && high > low)
    return `${floors[low].name} is below ${floors[high].name} and imports nothing from it`;
  return undefined;
}

/** Groups of files that import each other in a circle, each as a path that ends where it began. */
function circles(edges) {
  const state = new Map();
  const stack = [];
  const found = [];
  const visit = (path) => {
    state.set(path, 'open');
    stack.push(path);
    for (const next of edges.get(path) ?? []) {
      if (state.get(next) === 'open') found.push([...stack.slice(stack.indexOf(next)), next]);
      else if (!state.has(next)) visit(next);
    }
    stack.pop();
    state.set(path, 'done');
  };
  for (const path of edges.keys()) if (!state.has(path)) visit(path);
  return found;
}

/**
 * Checks a tree given as a Map from path to source text (with `/`, relative to the root) and the parsed package.json.
 * Returns findings { path, line, message }. Type-only imports count: a circle of types is a circle to its reader.
 */
export function checkImports(files, packageJson) {
  const findings = [];
  const edges = new Map();
  const lines = new Map();
  for (const [path, source] of files) {
    if (!/\.(ts|mjs)$/.test(path)) continue;
    const targets = [];
    for (const { specifier, line, typeOnly } of readImports(source)) {
      const report = (message) => findings.push({ path, line, message: `imports ${specifier}: ${message}` });
      const found = resolve(path, specifier, files, packageJson);
      if (found.missing) report(`it ${found.missing}`);
      if (found.builtin && !nodePlaces.some((place) => place.test(path))) {
        report('Node modules are only for *.node.ts and src/captioner/cli');
      }
      if (
        found.package &&
        path.startsWith('src/') &&
        !typeOnly &&
        !packageJson.dependencies?.[found.package]
      ) {
        report('it is not among the dependencies of package.json');
      }
      for (const target of found.files ?? []) {
        // The Node half of a pair is reached by its # name from anywhere.
        const reason = specifier.startsWith('#')
          ? forbidden(path, target.replace('.node.ts', '.browser.ts'))
          : forbidden(path, target);
        if (reason && !findings.some((other) => other.path === path && other.line === line)) report(reason);
        if (files.has(target)) {
          targets.push(target);
          lines.set(`${path} ${target}`, line);
        }
      }
    }
    edges.set(path, targets);
  }
  for (const circle of circles(edges)) {
    const line = lines.get(`${circle[0]} ${circle[1]}`);
    findings.push({ path: circle[0], line, message: `import circle: ${circle.join(' → ')}` });
  }
  return findings;
}
