/* Products and sums of REAL numbers. */
typedef REAL VECTOR_REAL __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* The columns of B (k rows, n columns) in panels as wide as two vectors, the last filled up with zeros. */
static void pack_REAL(const REAL *b, long row, long column, long k, long n, REAL *panels)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    for (long j = 0; j < n; j += width) {
        const long wide = n - j < width ? n - j : width;
        const REAL *from = b + j * column;
        if (column == 1 && wide == width)
            for (long p = 0; p < k; p++)
                memcpy(panels + p * width, from + p * row, PANEL_BYTES);
        else
            for (long i = 0; i < width; i++)
                for (long p = 0; p < k; p++)
                    panels[p * width + i] = i < wide ? from[p * row + i * column] : 0;
        panels += k * width;
    }
}

/* So many rows of one panel of C: all sums stay in registers; few rows add up several parts at a time. */
INLINE void tile_REAL(const int rows, const int parts, const REAL *a, long row, long step, const REAL *panel, long k,
                      REAL *c, long c_row, long wide)
{
    VECTOR_REAL sum[parts][rows][2];
    const long lanes = VECTOR_BYTES / sizeof(REAL);
    long p = 0;
    memset(sum, 0, sizeof sum);
    for (; p + parts <= k; p += parts)
#pragma GCC unroll 4
        for (int part = 0; part < parts; part++) {
            const VECTOR_REAL *b = (const VECTOR_REAL *)(panel + (p + part) * 2 * lanes);
            const VECTOR_REAL left = b[0], right = b[1];
#pragma GCC unroll 8
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
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int part = 1; part < parts; part++) {
            sum[0][r][0] += sum[part][r][0];
            sum[0][r][1] += sum[part][r][1];
        }
        if (wide == 2 * lanes)
            memcpy(c + r * c_row, sum[0][r], PANEL_BYTES);
        else
            memcpy(c + r * c_row, sum[0][r], wide * sizeof(REAL));
    }
}

/* C = A B, where B is in panels. Steps between numbers, not bytes; the columns of C lie side by side. */
static void product_REAL(long m, long k, long n, const REAL *a, long row, long step, const REAL *panels, REAL *c,
                         long c_row)
{
    const long width = PANEL_BYTES / sizeof(REAL);
    const long blocks = (m + TILE_ROWS - 1) / TILE_ROWS;
    for (long j = 0; j < n; j += width, panels += k * width) {
        const long wide = n - j < width ? n - j : width;
        for (long block = 0, first = 0; block < blocks; block++) {
            const long rows = (m - first + blocks - block - 1) / (blocks - block);
            const REAL *from = a + first * row;
            REAL *to = c + first * c_row + j;
            switch (rows) {
            case 1: tile_REAL(1, 4, from, row, step, panels, k, to, c_row, wide); break;
            case 2: tile_REAL(2, 2, from, row, step, panels, k, to, c_row, wide); break;
            case 3: tile_REAL(3, 2, from, row, step, panels, k, to, c_row, wide); break;
            case 4: tile_REAL(4, 1, from, row, step, panels, k, to, c_row, wide); break;
            case 5: tile_REAL(5, 1, from, row, step, panels, k, to, c_row, wide); break;
            case 6: tile_REAL(6, 1, from, row, step, panels, k, to, c_row, wide); break;
            case 7: tile_REAL(7, 1, from, row, step, panels, k, to, c_row, wide); break;
            case 8: tile_REAL(8, 1, from, row, step, panels, k, to, c_row, wide); break;
            }
            first += rows;
        }
    }
}
