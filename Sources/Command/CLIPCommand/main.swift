import CLIPSystem

StandardDescriptors.fill()
exit(Root.run(ProcessArguments.all))
