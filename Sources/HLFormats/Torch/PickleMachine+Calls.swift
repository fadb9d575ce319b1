import HLTensor

/// The closed table of what a pickle may construct. Whatever is not in it becomes an opaque object.
extension PickleMachine {
    /// The value of `function(*arguments)`.
    func result(of function: PickleValue, arguments: PickleValue) throws -> PickleValue {
        guard case .tuple(let tuple) = arguments else { throw damagedPickle("it calls without a tuple of arguments") }
        guard case .global(let module, let name) = function else {
            // A method that an earlier call would have returned.
            return .object(try arena.add(PickleObject(module: "", name: "call", arguments: arguments)))
        }
        try refuseExecution(module, name)
        let values = tuple.slots
        switch (Self.canonical(module), name) {
        case ("collections", "OrderedDict"), ("builtins", "dict"), ("dnnlib.util", "EasyDict"):
            return .dictionary(try dictionary(copying: values.first))
        case ("collections", "defaultdict"):
            return .dictionary(try dictionary(copying: values.count > 1 ? values[1] : nil))
        case ("builtins", "set"), ("builtins", "frozenset"): return .set(try sequence(copying: values.first))
        case ("builtins", "list"): return .list(try sequence(copying: values.first))
        case ("builtins", "tuple"), ("torch", "Size"): return .tuple(try sequence(copying: values.first))
        case ("builtins", "bytes"), ("builtins", "bytearray"): return .bytes(try encoded(values))
        case ("_codecs", "encode"): return .bytes(try encoded(values))
        case ("copyreg", "_reconstructor"): return try reconstructed(values)
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"),
            ("torch._utils", "_rebuild_tensor_v3"):
            return try tensor(values)
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"),
            ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"):
            guard let data = values.first else { throw damagedPickle("a parameter has no tensor") }
            return data
        case ("torch._tensor", "_rebuild_from_type_v2"):
            // (function, class, its arguments, state): the tensor within a subclass of Tensor
            guard values.count >= 3, case .global(let module, let name) = values[0],
                name != "_rebuild_from_type_v2"
            else { throw damagedPickle("a tensor cannot be rebuilt") }
            return try result(of: .global(module: module, name: name), arguments: values[2])
        case ("torch.storage", "_load_from_bytes"): return try nestedStorage(values)
        case ("numpy.core.multiarray", "_reconstruct"):
            return .object(try arena.add(PickleObject(module: "numpy", name: "ndarray", arguments: arguments)))
        case ("numpy.core.multiarray", "scalar"):
            return try numpyScalar(values)
                ?? .object(arena.add(PickleObject(module: "numpy", name: "scalar", arguments: arguments)))
        case ("numpy.core.numeric", "_frombuffer"):
            return try numpyBuffer(values).map(PickleValue.tensor)
                ?? .object(arena.add(PickleObject(module: "numpy", name: "ndarray", arguments: arguments)))
        case ("torch_utils.persistence", "_reconstruct_persistent_obj"): return try persistentObject(values)
        default: return .object(try arena.add(PickleObject(module: module, name: name, arguments: arguments)))
        }
    }

    /// The value of `class.__new__(class, *arguments, **keywords)`.
    func instance(of type: PickleValue, arguments: PickleValue, keywords: PickleValue) throws -> PickleValue {
        guard case .global(let module, let name) = type, case .tuple = arguments else {
            throw damagedPickle("it makes an instance of something other than a class")
        }
        try refuseExecution(module, name)
        switch (Self.canonical(module), name) {
        case ("collections", "OrderedDict"), ("builtins", "dict"), ("dnnlib.util", "EasyDict"):
            return .dictionary(try dictionary([]))
        case ("torch", "Size"): return .tuple(try sequence(copying: arguments.elements?.first))
        default:
            let object = try arena.add(PickleObject(module: module, name: name, arguments: arguments))
            object.slots[1] = keywords
            return .object(object)
        }
    }

    /// What `__setstate__` would do, or the update of `__dict__`.
    func build(_ target: PickleValue, state: PickleValue) throws {
        switch target {
        case .object(let object):
            object.state = state
            if (object.module, object.name) == ("numpy", "ndarray"), let array = try numpyArray(state) {
                object.replacement = .tensor(array)
            }
        case .dictionary, .list, .set, .tensor:
            // Attributes beside the contents, such as `_metadata` of a state dict.
            break
        default: throw damagedPickle("it gives a state to a value that has none")
        }
    }

    /// Modules that went by other names in other versions.
    private static func canonical(_ module: String) -> String {
        switch module {
        case "__builtin__": "builtins"
        case "copy_reg": "copyreg"
        case "numpy._core.multiarray": "numpy.core.multiarray"
        case "numpy._core.numeric": "numpy.core.numeric"
        default: module
        }
    }

    /// Nothing would run in any case, but a file that tries is not worth reading.
    private func refuseExecution(_ module: String, _ name: String) throws {
        let hostile =
            switch Self.canonical(module) {
            case "builtins": ["eval", "exec", "execfile", "compile", "__import__", "open", "input"].contains(name)
            case "os", "posix", "nt", "subprocess", "commands", "pty", "runpy", "socket", "shutil", "sys", "importlib",
                "ctypes", "webbrowser", "multiprocessing", "asyncio", "code", "pdb", "timeit":
                true
            default: module.hasPrefix("importlib.") || module.hasPrefix("ctypes.") || module.hasPrefix("asyncio.")
            }
        guard hostile else { return }
        throw Failure(
            .data, "the pickle tries to run \(quoted("\(module).\(name)")); nothing was run",
            "do not use this file; get it from a source you trust")
    }

    // MARK: Containers

    private func sequence(copying source: PickleValue?) throws -> PickleSequence {
        guard let source else { return try sequence([]) }
        guard let elements = source.elements else { throw damagedPickle("it makes a container of something else") }
        try budget.spendOperations(elements.count)
        return try sequence(elements)
    }

    private func dictionary(copying source: PickleValue?) throws -> PickleDictionary {
        guard let source, !source.isNone else { return try dictionary([]) }
        if case .dictionary(let other) = source {
            try budget.spendOperations(other.slots.count)
            return try dictionary(other.slots)
        }
        guard let pairs = source.elements else { throw damagedPickle("it makes a dictionary of something else") }
        try budget.spendOperations(pairs.count)
        var items: [PickleValue] = []
        for pair in pairs {
            guard let parts = pair.elements, parts.count == 2 else { throw damagedPickle("a key has no value") }
            items += parts
        }
        return try dictionary(items)
    }

    /// `copyreg._reconstructor(class, base, state)`, which protocols 0 and 1 use for every object.
    private func reconstructed(_ values: [PickleValue]) throws -> PickleValue {
        guard values.count >= 3, case .global(let module, let name) = values[0],
            case .global(_, let base) = values[1]
        else { throw damagedPickle("an object cannot be reconstructed") }
        try refuseExecution(module, name)
        if base == "dict" { return .dictionary(try dictionary(copying: values[2])) }
        return .object(try arena.add(PickleObject(module: module, name: name)))
    }

    /// `_codecs.encode(text, 'latin1')`, which is how protocol 2 writes bytes, and `bytes(…)`.
    private func encoded(_ values: [PickleValue]) throws -> ByteSlice {
        switch values.first {
        case nil: return ByteSlice(copying: [])
        case .bytes(let bytes): return bytes
        case .string(let text):
            try budget.spendCopy(text.utf8.count)
            let scalars = text.unicodeScalars
            guard scalars.allSatisfy({ $0.value < 256 }) else {
                throw damagedPickle("a byte string holds other characters")
            }
            return ByteSlice(copying: scalars.map { UInt8(truncatingIfNeeded: $0.value) })
        default: throw damagedPickle("a byte string is made of something else")
        }
    }

    /// StyleGAN2-ada's modules carry their own source code, which is ignored.
    private func persistentObject(_ values: [PickleValue]) throws -> PickleValue {
        guard case .dictionary(let meta)? = values.first, let name = meta["class_name"]?.text else {
            throw damagedPickle("a StyleGAN2 module has no class name")
        }
        let object = PickleObject(module: "torch_utils.persistence", name: name, state: meta["state"] ?? .none)
        return .object(try arena.add(object))
    }

    // MARK: Tensors

    /// `_rebuild_tensor(storage, offset, size, stride)`; version 2 has more arguments, of which version 3's seventh
    /// is the type. Tensors of elements that are not read become opaque objects: nobody may ask for them.
    private func tensor(_ values: [PickleValue]) throws -> PickleValue {
        guard values.count >= 4, case .storage(let storage) = values[0], let offset = values[1].integer,
            let shape = Self.integers(values[2]), let strides = Self.integers(values[3])
        else { throw damagedPickle("a tensor cannot be rebuilt") }
        var type: ElementType?
        var opaqueType = storage.opaqueType
        if values.count >= 7, case .global("torch", let name) = values[6] {
            type = TensorStorage.elementType(named: name)
            if type == nil { opaqueType = name }
        }
        if let opaqueType {
            return .object(
                try arena.add(PickleObject(module: "torch", name: "Tensor", arguments: .string(opaqueType))))
        }
        return .tensor(try StoredTensor(storage, offset: offset, shape: shape, strides: strides, type: type))
    }

    static func integers(_ value: PickleValue) -> [Int]? {
        guard let elements = value.elements, elements.count <= 64 else { return nil }
        let integers = elements.compactMap(\.integer)
        return integers.count == elements.count ? integers : nil
    }

    /// A storage pickled on its own: a byte string that is a whole file of torch.save.
    private func nestedStorage(_ values: [PickleValue]) throws -> PickleValue {
        guard case .bytes(let file)? = values.first else { throw damagedPickle("a storage is made of something else") }
        guard case .storage(let storage) = try readFile(file) else {
            throw damagedPickle("a storage holds something else")
        }
        return .storage(storage)
    }
}
