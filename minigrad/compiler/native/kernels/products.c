/* Products of matrices of REAL numbers. Distances are in numbers, not in bytes. */
#include <string.h>

/* What a vector holds, and as many rows of a tile as leave registers for the rest. */
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef PANEL_BYTES
#undef INLINE
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define TILE_ROWS 8
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#endif
#define PANEL_BYTES (2 * VECTOR_BYTES)
#define INLINE static inline __attribute__((always_inline))

typedef REAL VECTOR_REAL __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* k rows of B, n columns, as panels that are two vectors wide, the last filled up with zeros. */
static void pack_rows_REAL(const REAL *b, long row, long column, long k, long n, REAL *panels)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    for (long j = 0; j < n; j += width, panels += k * width) {
        const long wide = n - j < width ? n - j : width;
        const REAL *from = b + j * column;
        if (column == 1 && wide == width)
            for (long p = 0; p < k; p++)
                memcpy(panels + p * width, from + p * row, PANEL_BYTES);
        else
            for (long i = 0; i < width; i++)
                for (long p = 0; p < k; p++)
                    panels[p * width + i] = i < wide ? from[p * row + i * column] : 0;
    }
}

/* What a tile has summed up, to C or added to it; the last panel may be wider than C. */
INLINE void store_REAL(const VECTOR_REAL *sum, REAL *c, long column, long wide, int adding)
{
    const REAL *number = (const REAL *)sum;
    if (column == 1 && wide == PANEL_BYTES / sizeof(REAL)) {
        VECTOR_REAL *to = (VECTOR_REAL *)c;
        if (adding) {
            to[0] += sum[0];
            to[1] += sum[1];
        } else {
            to[0] = sum[0];
            to[1] = sum[1];
        }
        return;
    }
    for (long i = 0; i < wide; i++)
        c[i * column] = adding ? number[i] + c[i * column] : number[i];
}

/* So many rows of one panel of C. All sums stay in registers; few rows add up several parts at a time. */
INLINE void tile_REAL(const int rows, const int parts, const REAL *a, long row, long step, const REAL *panel, long k,
                      VECTOR_REAL (*total)[2])
{
    VECTOR_REAL sum[4][8][2];
    const long lanes = VECTOR_BYTES / sizeof(REAL);
    long p = 0;
    for (int part = 0; part < parts; part++)
        for (int r = 0; r < rows; r++)
            sum[part][r][0] = sum[part][r][1] = (VECTOR_REAL){0};
    for (; p + parts <= k; p += parts)
        for (int part = 0; part < parts; part++) {
            const VECTOR_REAL *b = (const VECTOR_REAL *)(panel + (p + part) * 2 * lanes);
            const VECTOR_REAL left = b[0], right = b[1];
            for (int r = 0; r < rows; r++) {
                const REAL x = a[r * row + (p + part) * step];
                sum[part][r][0] += x * left;
                sum[part][r][1] += x * right;
            }
        }
    for (; p < k; p++) {
        const VECTOR_REAL *b = (const VECTOR_REAL *)(panel + p * 2 * lanes);
        for (int r = 0; r < rows; r++) {
            const REAL x = a[r * row + p * step];
            sum[0][r][0] += x * b[0];
            sum[0][r][1] += x * b[1];
        }
    }
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < 2; i++) {
            for (int part = 1; part < parts; part++)
                sum[0][r][i] += sum[part][r][i];
            total[r][i] = sum[0][r][i];
        }
}

/* C = A B or C += A B, where at most BLOCK rows of B are in panels. */
static void __attribute__((noinline)) block_REAL(long m, long k, long n, const REAL *a, long row, long step, const REAL *panels, REAL *c,
                       long c_row, long c_column, int adding)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    const long count = (m + TILE_ROWS - 1) / TILE_ROWS;
    for (long j = 0; j < n; j += width, panels += k * width) {
        const long wide = n - j < width ? n - j : width;
        for (long tile = 0, first = 0; tile < count; tile++) {
            const long rows = (m - first + count - tile - 1) / (count - tile);
            const REAL *from = a + first * row;
            VECTOR_REAL sum[TILE_ROWS][2];
#define TILE(r, parts) \
    case r: tile_REAL(r, parts, from, row, step, panels, k, sum); break
            switch (rows) {
                TILE(1, 4);
                TILE(2, 2);
                TILE(3, 2);
                TILE(4, 1);
                TILE(5, 1);
                TILE(6, 1);
#if TILE_ROWS > 6
                TILE(7, 1);
                TILE(8, 1);
#endif
            }
#undef TILE
            for (long r = 0; r < rows; r++)
                store_REAL(sum[r], c + (first + r) * c_row + j * c_column, c_column, wide, adding);
            first += rows;
        }
    }
}

/* B in panels, one block of rows after the other. */
void pack_REAL(const REAL *b, long row, long column, long k, long n, REAL *panels)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    const long across = (n + width - 1) / width * width;
    for (long p = 0; p < k; p += BLOCK)
        pack_rows_REAL(b + p * row, row, column, k - p < BLOCK ? k - p : BLOCK, n, panels + p * across);
}

/* C = A B, where B was packed before. */
void product_REAL(long m, long k, long n, const REAL *a, long row, long step, const REAL *panels, REAL *c,
                         long c_row, long c_column)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    const long across = (n + width - 1) / width * width;
    for (long p = 0; p < k; p += BLOCK)
        block_REAL(m, k - p < BLOCK ? k - p : BLOCK, n, a + p * step, row, step, panels + p * across, c, c_row,
                   c_column, p > 0);
}

/* C = A B; panels holds one block of B at a time. */
void multiply_REAL(long m, long k, long n, const REAL *a, long row, long step, const REAL *b, long b_row,
                          long b_column, REAL *panels, REAL *c, long c_row, long c_column)
{
    for (long p = 0; p < k; p += BLOCK) {
        const long deep = k - p < BLOCK ? k - p : BLOCK;
        pack_rows_REAL(b + p * b_row, b_row, b_column, deep, n, panels);
        block_REAL(m, deep, n, a + p * step, row, step, panels, c, c_row, c_column, p > 0);
    }
}
