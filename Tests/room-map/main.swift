// Which files of a room stand on which.
//
//     room-map FOLDER…
//
// A room is a folder inside one of these that holds Swift files: a module or a program. Its files are put on floors,
// each above all that it uses, a type and its `Type+Topic` files being one. Ends with status 1 where files stand on each
// other in a circle.

import Foundation

let folders = CommandLine.arguments.dropFirst()
guard !folders.isEmpty else {
    FileHandle.standardError.write(Data("usage: room-map FOLDER...\n".utf8))
    exit(64)
}
func fail(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("room-map: error: \(reason)\n".utf8))
    exit(66)
}
let rooms = folders.flatMap { folder in
    do {
        return try Room.all(in: folder)
    } catch {
        fail("\(folder): \(error.localizedDescription)")
    }
}
if rooms.isEmpty { fail("no Swift files in \(folders.joined(separator: ", "))") }
let known = NameCounts(rooms)
var circles = 0
for room in rooms {
    let plan = FloorPlan(room, known)
    print(plan.text)
    circles += plan.circles.count
}
print(circles == 0 ? "no circle" : "circles: \(circles)")
exit(circles == 0 ? 0 : 1)
