//! Scans of 2,000 small files.

mod tree;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use c4::scan::{ScanMode, ScanOptions, ScanProgress, scan};

fn scans(c: &mut Criterion) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("small");
    tree::create("small", &root, 2000.0 / 120_000.0);
    let mut group = c.benchmark_group("scan of 2,000 files");
    group.throughput(Throughput::Elements(2000));
    for (name, mode) in [("metadata", ScanMode::Metadata), ("full", ScanMode::Full)] {
        for workers in [1, 2] {
            let options = ScanOptions { mode, workers: Some(workers), ..ScanOptions::default() };
            group.bench_function(format!("{name}, {workers} workers"), |b| {
                b.iter(|| scan(&root, &options, &ScanProgress::default()).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scans);
criterion_main!(benches);
