/// How much of a wheel is taken. A wheel beyond one of these is refused, and the error has the limit's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most entries. Default: 100,000, several times what the largest published wheels have.
    pub entries: u64,
    /// The largest central directory, in bytes; it is held in memory while it is read. Default: 64 MiB.
    pub directory: u64,
    /// The most bytes that all entries may inflate to. Default: 32 GiB.
    pub unpacked: u64,
    /// How many times the archive's own length all entries may inflate to, once that is over
    /// [`Self::ratio_from`]. Default: 50, as PyPI has it.
    pub ratio: u64,
    /// From how many inflated bytes on the ratio counts. Default: 64 MiB, as PyPI has it.
    pub ratio_from: u64,
    /// The largest script whose first line is rewritten, in bytes; these are held in memory. Default: 4 MiB.
    pub script: u64,
    /// The most bytes of such scripts together. Default: 16 MiB.
    pub scripts: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            directory: 64 << 20,
            unpacked: 32 << 30,
            ratio: 50,
            ratio_from: 64 << 20,
            script: 4 << 20,
            scripts: 16 << 20,
        }
    }
}
