// The engine library is made of archives alone; a target needs one source of its own.
