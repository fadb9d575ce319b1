/// The formats that the programs read from others' hands.
let formats: [any FuzzedFormat] = [
    WeightsFormat(), EncoderFormat(), WalkerFormat(), SafetensorsFormat(), NpyFormat(), NpzFormat(), StreamFormat(),
    PNGFormat(), JPEGFormat(), WebPFormat(), MatFormat(), TarFormat(), IdxFormat(), CIFARFormat(), CIFARNamesFormat(),
    LMDBFormat(), AnnotationFormat(), DetectionFormat(),
]
