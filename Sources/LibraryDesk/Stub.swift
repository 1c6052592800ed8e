// LibraryDesk
