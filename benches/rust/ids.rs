//! IDs as text.

use std::hint::black_box;

use c4::C4Id;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn text(c: &mut Criterion) {
    let ids: Vec<C4Id> = (0..256_u32).map(|i| C4Id::of(&i.to_le_bytes())).collect();
    let texts: Vec<_> = ids.iter().map(C4Id::to_text).collect();
    let mut group = c.benchmark_group("id");
    group.throughput(Throughput::Elements(ids.len() as u64));
    group.bench_function("encode 256", |b| {
        b.iter(|| ids.iter().map(|id| black_box(id).to_text()[89]).fold(0, u8::wrapping_add));
    });
    group.bench_function("decode 256", |b| {
        b.iter(|| texts.iter().filter_map(|text| C4Id::parse(black_box(text)).ok()).max());
    });
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
