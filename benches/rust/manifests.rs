//! Manifests of 10,000 and 100,000 entries, or of as many as `C4_BENCH_ENTRIES` says: read, written, sorted, identified,
//! compared, validated.

mod tree;

use std::hint::black_box;

use c4::c4m::validator::validate_text;
use c4::c4m::{self, Manifest};
use c4::{diff, patch};
use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

/// Entries of a directory of the text, itself included.
const DIRECTORY: usize = 10;
/// Issues of each code that are listed; there are none.
const LIMIT: usize = 1000;

fn sizes() -> Vec<usize> {
    match std::env::var("C4_BENCH_ENTRIES") {
        Ok(entries) => vec![entries.parse().expect("C4_BENCH_ENTRIES is a count of entries")],
        Err(_) => vec![10_000, 100_000],
    }
}

/// The same tree with directories, and the files in each, the other way round.
fn backwards(manifest: &Manifest) -> Manifest {
    let mut order: Vec<u32> = (0..manifest.len() as u32).collect();
    for directory in order.chunks_mut(DIRECTORY) {
        directory[1..].reverse();
    }
    let order = order.chunks(DIRECTORY).rev().flatten().copied().collect();
    let mut backwards = manifest.clone();
    backwards.replace_order(order);
    backwards
}

fn manifests(c: &mut Criterion) {
    let mut group = c.benchmark_group("manifest");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for size in sizes() {
        let text = tree::manifest_text(size / DIRECTORY, false);
        let manifest = c4m::decode(text.as_bytes()).unwrap();
        let changed = c4m::decode(tree::manifest_text(size / DIRECTORY, true).as_bytes()).unwrap();
        let unsorted = backwards(&manifest);
        assert!(unsorted.canonical_order().iter().eq(manifest.iter()));
        assert!(validate_text(text.as_bytes(), LIMIT).issues.is_empty());
        group.throughput(Throughput::Elements(manifest.len() as u64));

        let name = |operation| BenchmarkId::new(operation, size);
        group.bench_function(name("decode"), |b| b.iter(|| c4m::decode(black_box(text.as_bytes())).unwrap()));
        group.bench_function(name("validate_text"), |b| {
            b.iter(|| validate_text(black_box(text.as_bytes()), LIMIT));
        });
        // Copies know nothing of their trees, as manifests that were just read.
        let mut of_copies = |operation, call: fn(&Manifest, &Manifest) -> usize, old: &Manifest| {
            group.bench_function(name(operation), |b| {
                let copies = || (old.clone(), changed.clone());
                b.iter_batched_ref(copies, |(old, new)| call(black_box(old), black_box(new)), BatchSize::PerIteration);
            });
        };
        of_copies("encode", |old, _| c4m::encode(old).unwrap().len(), &manifest);
        of_copies("compute_id", |old, _| usize::from(old.compute_id().unwrap().is_nil()), &manifest);
        of_copies("sort", |old, _| old.canonical_order().len(), &unsorted);
        of_copies("diff", |old, new| diff::diff(old, new).same.len(), &manifest);
        of_copies("patch_diff", |old, new| patch::patch_diff(old, new).unwrap().len(), &manifest);
    }
    group.finish();
}

criterion_group!(benches, manifests);
criterion_main!(benches);
