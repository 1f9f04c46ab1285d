// Read by the kernels and by the code that plans their work, so without the types of either language.

/** Rows of C that one call of the micro-kernel computes; a panel of A is this many floats wide. */
export const TILE_ROWS = 4;
/** Columns of C that one call of the micro-kernel computes; a panel of B is this many floats wide. */
export const TILE_COLUMNS = 8;
/** Rows of A packed at once: 64 · 256 floats, a small part of the second-level cache. */
export const BLOCK_ROWS = 64;
/** Depth of a block: a panel of B takes 8 KiB, one of A 4 KiB; both stay in the first-level cache. */
export const BLOCK_DEPTH = 256;
/** Elements that an element-wise kernel counts as one unit of its work. */
export const UNIT_ELEMENTS = 1024;
