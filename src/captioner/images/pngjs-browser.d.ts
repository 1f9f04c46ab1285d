/** The part of pngjs's browser build that is used; @types/pngjs covers the Node build alone. */
declare module 'pngjs/browser.js' {
  interface BundledBuffer extends Uint8Array {
    constructor: { from(bytes: Uint8Array): BundledBuffer };
  }
  interface PngClass {
    new (options: { width: number; height: number }): { data: BundledBuffer };
    sync: { read(bytes: BundledBuffer): { width: number; height: number; data: Uint8Array } };
  }
  const library: { PNG: PngClass };
  export default library;
}
