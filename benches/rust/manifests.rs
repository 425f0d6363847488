//! Manifests of 10,000 entries: read, written, sorted, identified.

mod tree;

use std::hint::black_box;

use c4::c4m;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn manifests(c: &mut Criterion) {
    let text = tree::manifest_text(1000);
    let manifest = c4m::decode(text.as_bytes()).unwrap();
    let mut backwards = manifest.clone();
    backwards.replace_order((0..manifest.len() as u32).rev().collect());
    let mut group = c.benchmark_group("manifest of 10,000 entries");
    group.throughput(Throughput::Elements(manifest.len() as u64));
    group.bench_function("decode", |b| b.iter(|| c4m::decode(black_box(text.as_bytes())).unwrap()));
    group.bench_function("encode", |b| b.iter(|| c4m::encode(black_box(&manifest)).unwrap()));
    group.bench_function("compute_id", |b| b.iter(|| black_box(&manifest).clone().compute_id().unwrap()));
    group.bench_function("sort", |b| b.iter(|| black_box(&backwards).canonical_order()));
    group.finish();
}

criterion_group!(benches, manifests);
criterion_main!(benches);
