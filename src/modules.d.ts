/** Files that the bundler turns into values: a shader or a page's script into its text, WebAssembly into its bytes. */
declare module '*.wgsl' {
  const source: string;
  export default source;
}
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
declare module '*.txt' {
  const text: string;
  export default text;
}
