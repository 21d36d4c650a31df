//! Small ELF files of 64 bits, made byte by byte: libraries that say what they need and have, and no code.

/// What is in an ELF file. The default is a library of x86-64 with a little of everything.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The number of its processor (`e_machine`): 62 is x86-64, 183 aarch64.
    pub machine: u16,
    /// `DT_SONAME`.
    pub soname: Option<&'static str>,
    /// `DT_NEEDED`, in this order.
    pub needed: Vec<&'static str>,
    /// `DT_RPATH`.
    pub rpath: Option<&'static str>,
    /// `DT_RUNPATH`.
    pub runpath: Option<&'static str>,
    /// Libraries with the versions that are needed of them, and whether these are weak (`DT_VERNEED`).
    pub requires: Vec<(&'static str, Vec<(&'static str, bool)>)>,
    /// The versions that it has (`DT_VERDEF`), beside the one that names the library itself.
    pub provides: Vec<&'static str>,
    /// Names in the string table, such as `PyInit_demo`.
    pub symbols: Vec<&'static str>,
    /// The flags of `PT_GNU_STACK`.
    pub stack: Option<u32>,
    /// Zeroes in front of strings and versions, and behind them.
    pub gaps: (usize, usize),
    /// Whether the strings are behind everything else, as `patchelf` puts them.
    pub strings_last: bool,
    /// Whether the program headers are.
    pub headers_last: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            machine: 62,
            soname: Some("libdemo.so.1"),
            needed: vec!["libc.so.6", "libm.so.6"],
            rpath: None,
            runpath: Some("$ORIGIN/../demo.libs:/opt/lib"),
            requires: vec![
                ("libc.so.6", vec![("GLIBC_2.34", false), ("GLIBC_2.40", true)]),
                ("libm.so.6", vec![("GLIBC_2.29", false)]),
            ],
            provides: vec!["DEMO_1", "DEMO_2"],
            symbols: vec!["PyInit_demo", "demo", "PyInit_another"],
            stack: Some(6),
            gaps: (0, 0),
            strings_last: false,
            headers_last: false,
        }
    }
}

/// The address at which the start of a sample is loaded.
const BASE: u64 = 0x10_000;

/// A string table as it grows.
#[derive(Default)]
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        if self.0.is_empty() {
            self.0.push(0);
        }
        let at = self.0.len() as u32;
        self.0.extend(text.as_bytes());
        self.0.push(0);
        at
    }
}

impl Sample {
    /// The library by this name, which needs these and says nothing else.
    #[must_use]
    pub fn library(soname: &'static str, needed: &[&'static str]) -> Self {
        Self {
            soname: Some(soname),
            needed: needed.to_vec(),
            runpath: None,
            requires: Vec::new(),
            provides: Vec::new(),
            symbols: Vec::new(),
            ..Self::default()
        }
    }

    /// The `libc.so.6` of a release of glibc such as `2.31`, with these versions of symbols and the words that it says of
    /// itself.
    ///
    /// # Panics
    /// If the words are longer than there is room for.
    #[must_use]
    pub fn libc(release: &str, provides: &[&'static str]) -> Vec<u8> {
        const WORDS_AT: usize = 300;
        let sample = Self { provides: provides.to_vec(), gaps: (200, 0), ..Self::library("libc.so.6", &[]) };
        let mut file = sample.bytes();
        let words = format!("GNU C Library (GLIBC {release}) stable release version {release}.\n");
        assert!(words.len() < 180, "there is room for 180 bytes");
        set(&mut file, WORDS_AT, words.as_bytes());
        file
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut strings = Strings::default();
        let mut tags: Vec<(u64, u64)> = Vec::new();
        let named = [(14, self.soname), (15, self.rpath), (29, self.runpath)];
        tags.extend(self.needed.iter().map(|name| (1, u64::from(strings.add(name)))));
        for (tag, name) in named {
            tags.extend(name.map(|name| (tag, u64::from(strings.add(name)))));
        }
        let (required, provided) = (self.required(&mut strings), self.provided(&mut strings));
        for symbol in &self.symbols {
            strings.add(symbol);
        }

        let headers = 4;
        let mut file = vec![0; if self.headers_last { 64 } else { 64 + headers * 56 }];
        let put = |file: &mut Vec<u8>, bytes: &[u8]| {
            let at = file.len() as u64;
            file.extend(bytes);
            at
        };
        put(&mut file, &vec![0; self.gaps.0]);
        let mut strings_at = put(&mut file, if self.strings_last { &[] } else { &strings.0 });
        if !required.is_empty() {
            tags.push((0x6fff_fffe, BASE + put(&mut file, &required)));
        }
        if !provided.is_empty() {
            tags.push((0x6fff_fffc, BASE + put(&mut file, &provided)));
        }
        put(&mut file, &vec![0; self.gaps.1]);
        let dynamic_at = file.len();
        let dynamic_length = (tags.len() + 3) * 16;
        put(&mut file, &vec![0; dynamic_length]);
        if self.strings_last {
            strings_at = put(&mut file, &strings.0);
        }
        tags.extend([(5, BASE + strings_at), (10, strings.0.len() as u64)]);
        for (index, (tag, value)) in tags.iter().enumerate() {
            set(&mut file, dynamic_at + index * 16, &tag.to_le_bytes());
            set(&mut file, dynamic_at + index * 16 + 8, &value.to_le_bytes());
        }

        let headers_at = if self.headers_last { put(&mut file, &vec![0; headers * 56]) as usize } else { 64 };
        let length = file.len() as u64;
        set(&mut file, 0, b"\x7fELF\x02\x01\x01");
        set(&mut file, 16, &3_u16.to_le_bytes());
        set(&mut file, 18, &self.machine.to_le_bytes());
        set(&mut file, 32, &(headers_at as u64).to_le_bytes());
        set(&mut file, 54, &56_u16.to_le_bytes());
        set(&mut file, 56, &(headers as u16).to_le_bytes());
        let mut header = |index: usize, kind: u32, flags: u32, offset: u64, length: u64| {
            let at = headers_at + index * 56;
            set(&mut file, at, &kind.to_le_bytes());
            set(&mut file, at + 4, &flags.to_le_bytes());
            for (place, value) in [(8, offset), (16, BASE + offset), (32, length), (40, length)] {
                set(&mut file, at + place, &value.to_le_bytes());
            }
        };
        header(0, 1, 5, 0, length);
        header(1, 2, 6, dynamic_at as u64, dynamic_length as u64);
        if let Some(flags) = self.stack {
            header(2, 0x6474_e551, flags, 0, 0);
        }
        file
    }

    fn required(&self, strings: &mut Strings) -> Vec<u8> {
        let mut table = Vec::new();
        for (index, (library, versions)) in self.requires.iter().enumerate() {
            let last = index + 1 == self.requires.len();
            let next = if last { 0 } else { 16 + 16 * versions.len() as u32 };
            table.extend(1_u16.to_le_bytes());
            table.extend((versions.len() as u16).to_le_bytes());
            for word in [strings.add(library), 16, next] {
                table.extend(word.to_le_bytes());
            }
            for (index, (version, weak)) in versions.iter().enumerate() {
                table.extend(0_u32.to_le_bytes());
                table.extend((if *weak { 2_u16 } else { 0 }).to_le_bytes());
                table.extend(0_u16.to_le_bytes());
                let next = if index + 1 == versions.len() { 0 } else { 16_u32 };
                for word in [strings.add(version), next] {
                    table.extend(word.to_le_bytes());
                }
            }
        }
        table
    }

    fn provided(&self, strings: &mut Strings) -> Vec<u8> {
        let mut table = Vec::new();
        let own = self.soname.filter(|_| !self.provides.is_empty());
        let names: Vec<&str> = own.into_iter().chain(self.provides.iter().copied()).collect();
        for (index, name) in names.iter().enumerate() {
            let next = if index + 1 == names.len() { 0 } else { 28_u32 };
            for word in [1_u16, u16::from(index == 0), 1, 1] {
                table.extend(word.to_le_bytes());
            }
            for word in [0, 20, next, strings.add(name), 0] {
                table.extend(word.to_le_bytes());
            }
        }
        table
    }
}

/// Overwrites bytes of a file.
///
/// # Panics
/// If they lie beyond its end.
pub fn set(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Overwrites the value of the first entry of the dynamic section that has this tag.
///
/// # Panics
/// If there is none.
pub fn set_tag(file: &mut [u8], tag: u64, value: u64) {
    let dynamic = 64 + 56 + 8;
    let at = u64::from_le_bytes(file[dynamic..dynamic + 8].try_into().expect("eight bytes")) as usize;
    let entry = file[at..].chunks_exact(16).position(|entry| entry[..8] == tag.to_le_bytes());
    let entry = entry.expect("the tag is there");
    set(file, at + entry * 16 + 8, &value.to_le_bytes());
}
