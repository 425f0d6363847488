//! Every kernel that this processor can run: one stream, full sets of lanes, short messages.

use std::hint::black_box;

use c4_sha512::{BLOCK_BYTES, INITIAL_STATE, Lane, Platform};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Blocks a lane: 16 KiB, which stays in the processor's cache with all lanes.
const BLOCKS: usize = 128;

fn kernels(c: &mut Criterion) {
    let data = vec![[7; BLOCK_BYTES]; BLOCKS];
    for platform in Platform::all_available() {
        let mut group = c.benchmark_group(format!("sha512 {}", platform.name()));
        group.throughput(Throughput::Bytes((BLOCKS * BLOCK_BYTES) as u64));
        let mut state = INITIAL_STATE;
        group.bench_function("one stream", |b| b.iter(|| platform.compress(&mut state, black_box(&data))));
        for count in [platform.lanes() / 2, platform.lanes()] {
            if count < 2 {
                continue;
            }
            let mut states = vec![INITIAL_STATE; count];
            group.throughput(Throughput::Bytes((count * BLOCKS * BLOCK_BYTES) as u64));
            group.bench_function(format!("{count} lanes"), |b| {
                b.iter(|| {
                    let blocks = black_box(&data);
                    let mut lanes: Vec<Lane<'_>> = states.iter_mut().map(|state| Lane { state, blocks }).collect();
                    platform.compress_lanes(&mut lanes, BLOCKS);
                });
            });
        }
        group.finish();
    }
}

fn messages(c: &mut Criterion) {
    let data = vec![7; 1 << 20];
    let mut group = c.benchmark_group("sha512 of messages");
    group.throughput(Throughput::Bytes(data.len() as u64));
    for size in [128, 1024, 4096] {
        let messages: Vec<&[u8]> = data.chunks(size).collect();
        group.bench_function(format!("of {size} bytes, one by one"), |b| {
            b.iter(|| {
                black_box(&messages).iter().map(|message| c4_sha512::digest(message)[0]).fold(0, u8::wrapping_add)
            });
        });
        group.bench_function(format!("of {size} bytes, in lanes"), |b| {
            b.iter(|| c4_sha512::digest_many(black_box(&messages)));
        });
    }
    group.finish();
}

criterion_group!(benches, kernels, messages);
criterion_main!(benches);
